// Chapter 20: the trace that a message belongs to, from who publishes to who receives. Whether spans are recorded on the way is not
// seen here; if so, another span stands in the same trace.
import { headers } from '@nats-io/transport-node'
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { equal, holds, like } from '../expectation.ts'
import type { Frame } from '../frame-codec.ts'
import { roomSubject } from '../subject-token.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = `00-${TRACE}-b7ad6b7169203331-01`
const FORM = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

/** What is no trace parent. */
const NONE = [
  `00-${TRACE}-0000000000000000-01`,
  `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
  `ff-${TRACE}-b7ad6b7169203331-01`,
  PARENT.toUpperCase(),
  `${PARENT}-more`,
  'nonsense',
]

function inTrace(what: string, frame: Frame): void {
  holds(FORM.test(String(frame.traceparent)), `${what} to carry a trace parent`, frame)
  equal(`the trace of ${what}`, String(frame.traceparent).slice(3, 35), TRACE)
}

async function ofClients(bench: Bench): Promise<void> {
  const [room, ann] = [bench.room(), await bench.user({ grants: { send: ['*'] } })]
  const [here, there] = [await (await bench.user()).join(room), await (await bench.user({ at: 1 })).join(room)]
  await ann.ok({ type: 'publish', room, data: 1, traceparent: PARENT })
  const [one, two] = [await here.message(room), await there.message(room)]
  inTrace('the message', one)
  equal('the trace parent at another member', two.traceparent, one.traceparent)
  await ann.ok({ type: 'send', session: here.session, data: 2, traceparent: PARENT })
  inTrace('the message of a send', await here.message())
}

async function noneOfClients(bench: Bench): Promise<void> {
  const [room, ann] = [bench.room(), await bench.user()]
  const member = await (await bench.user()).join(room)
  for (const traceparent of [...NONE, 7, null, [PARENT], undefined]) {
    await ann.ok({ type: 'publish', room, data: 1, ...(traceparent === undefined ? {} : { traceparent }) })
    const message = await member.message(room)
    holds(!String(message.traceparent).includes(TRACE), 'no trace in the message', message)
  }
}

async function ofServices(bench: Bench): Promise<void> {
  const [service, room] = [await bench.service(), bench.room()]
  const member = await (await bench.user()).join(room)
  const subject = roomSubject(bench.target.nats?.prefix ?? '', room)
  for (const traceparent of [PARENT, ...NONE, null]) {
    const given = headers()
    if (traceparent !== null) given.set('traceparent', traceparent)
    service.publish(subject, '1', { headers: given })
    like('the push', await member.message(room), { traceparent: traceparent === PARENT ? PARENT : undefined })
  }
}

async function ofHistory(bench: Bench): Promise<void> {
  const [room, ann] = [bench.room('history'), await bench.user()]
  const member = await (await bench.user()).join(room)
  await ann.ok({ type: 'publish', room, data: 1, traceparent: PARENT })
  const live = await member.message(room)
  inTrace('the stored message', live)
  const late = await bench.user()
  await late.ok({ type: 'join', room, history: 1 })
  equal('the trace parent at who comes later', (await late.message(room)).traceparent, live.traceparent)
  const page = await late.ok({ type: 'history', room, limit: 1 })
  equal('the trace parent in a page', (page.messages as Frame[])[0]?.traceparent, live.traceparent)
}

/** Checks of chapter 20. */
export const TRACE_CHECKS: readonly Check[] = [
  { clauses: ['21.1', '21.2'], name: 'a message is of the trace of its publish', run: ofClients },
  { clauses: ['21.1'], name: 'what is no trace parent counts as absent', run: noneOfClients },
  { clauses: ['21.2', '9.3'], name: 'a message is of the trace of its push', needs: ['nats'], run: ofServices },
  {
    clauses: ['21.2'],
    name: 'a stored message keeps its trace',
    features: ['history'],
    namespaces: ['history'],
    run: ofHistory,
  },
]
