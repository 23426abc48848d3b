// Chapters 13, 14 and 17: errors, growth, and what is answered to the reserved.
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { Broken, equal, holds, like } from '../expectation.ts'
import { errorCodes } from '../vectors.ts'

const MARK = 'quoted-secret-7391'

async function knownCodes(bench: Bench): Promise<void> {
  const violation = bench.observations.of('13.1')[0]
  if (violation !== undefined) throw new Broken(violation.expected, violation.came)
}

async function codes(bench: Bench): Promise<void> {
  const peer = await bench.user()
  const answers = [
    await peer.request({ type: 'join' }),
    await peer.request({ type: 'join', room: 'no-such-namespace-here:x' }),
    await peer.request({ type: 'send', user: bench.name('x'), data: 1 }),
    await peer.request({ type: 'auth', token: 'nonsense' }),
    await peer.request({ type: 'leave' }),
  ]
  for (const answer of answers) {
    equal('the type of the answer', answer.type, 'error')
    holds(errorCodes.includes(String(answer.code)), 'a code of the table', answer.code)
    equal('the type of `message`', typeof answer.message, 'string')
  }
}

async function quotesNothing(bench: Bench): Promise<void> {
  const peer = await bench.user()
  const token = `${MARK}.${MARK}.${MARK}`
  const answers = [
    await peer.request({ type: 'publish', room: bench.room(), data: MARK, event: 'a b' }),
    await peer.request({ type: 'send', user: bench.name('x'), data: { [MARK]: MARK } }),
    await peer.request({ type: 'auth', token }),
  ]
  const closed = bench.start({ token })
  const { reason } = await closed.closed()
  for (const text of [...answers.map(({ message }) => String(message)), reason]) {
    holds(!text.includes(MARK), 'neither payload nor token in what is told', text)
  }
}

async function changesNothing(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room(), await bench.user()]
  await peer.join(room)
  await peer.refused({ type: 'join', room, presence: 7 }, 'bad_request')
  await peer.refused({ type: 'leave' }, 'bad_request')
  await peer.refused({ type: 'publish', room }, 'bad_request')
  await peer.refused({ type: 'auth', token: 'nonsense' }, 'unauthorized')
  await peer.refused({ type: 'join', room: 'no-such-namespace-here:x' }, 'unknown_namespace')
  await peer.ok({ type: 'publish', room, data: 'still here' })
  like('a message of the room', await peer.message(room), { data: 'still here' })
  equal('messages of the room', peer.dataOf(room).length, 1)
}

async function unknownFields(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room(), await bench.user({ grants: { later: { a: 1 } } })]
  await peer.ok({ type: 'join', room, later: { deep: [1] }, data: 1 })
  await peer.ok({ type: 'publish', room, data: 1, unheard: null })
  const message = await peer.message(room)
  equal('a field that nobody knows', message.unheard, undefined)
  like('an answer to `ping`', await peer.request({ type: 'ping', later: true }), { type: 'pong' })
  await peer.ok({ type: 'leave', room, later: 'x' })
}

async function features(bench: Bench): Promise<void> {
  const { features: named } = bench.offer.welcome
  const texts = Array.isArray(named) && named.every((feature) => typeof feature === 'string' && feature !== '')
  holds(texts, '`features` to be texts', named)
}

async function reserved(bench: Bench, frames: readonly object[]): Promise<void> {
  const peer = await bench.user({ grants: { send: ['*'], call: ['*'] } })
  for (const frame of frames) await peer.refused(frame, 'unsupported')
  await peer.settled()
}

async function wildcards(bench: Bench): Promise<void> {
  const room = `${bench.target.namespaces.open ?? 'default'}:*`
  await reserved(bench, [
    { type: 'join', room },
    { type: 'publish', room, data: 1 },
  ])
}

async function services(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room('service'), await bench.user()]
  await peer.refused({ type: 'join', room }, 'no_service')
  await peer.refused({ type: 'publish', room, data: 1 }, 'no_service')
}

/** Checks of chapters 13, 14 and 17. */
export const ERROR_CHECKS: readonly Check[] = [
  { clauses: ['13.1'], name: 'errors have a code of the table and a message', run: codes },
  { clauses: ['13.1'], name: 'errors quote neither payload nor token', run: quotesNothing },
  { clauses: ['13.1'], name: 'every error of the run was well-formed', last: true, run: knownCodes },
  { clauses: ['13.2'], name: 'a request that failed has changed nothing', run: changesNothing },
  { clauses: ['14.1'], name: 'unknown fields are ignored', run: unknownFields },
  { clauses: ['14.2'], name: 'features are texts', run: features },
  { clauses: ['17.1', '2.5'], name: '`ns:*` is answered `unsupported`', unless: ['wildcard'], run: wildcards },
  {
    clauses: ['17.2', '6.1', '7.1'],
    name: 'where a service decides, nobody does',
    namespaces: ['service'],
    run: services,
  },
]
