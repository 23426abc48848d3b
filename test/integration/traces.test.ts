import { headers } from '@nats-io/transport-node'
import { describe, expect } from 'vitest'
import type { Client, Frame } from '../harness/client.ts'
import { HISTORY_SETTINGS, historyCluster } from '../harness/history.ts'
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../harness/otlp-receiver.ts'
import { secret } from '../harness/secrets.ts'
import { serve } from '../harness/service.ts'
import { Stage, test as withStage } from '../harness/stage.ts'
import { until } from '../harness/until.ts'

interface TracedCluster extends Awaited<ReturnType<typeof historyCluster>> {
  readonly collector: OtlpReceiver
}

const KEY = secret('a key of the collector')
const HEADERS = secret(`api-key=${encodeURIComponent(KEY)}`)

/** Spans are recorded of traces that are named only, so that each test has its own. */
const test = withStage.extend(
  'cluster',
  { scope: 'file' },
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  async ({}, { onCleanup }): Promise<TracedCluster> => {
    const stage = new Stage()
    onCleanup(() => stage[Symbol.asyncDispose]())
    const collector = stage.use(await startOtlpReceiver())
    const trace = { endpoint: collector.url, headers: HEADERS, sampleRatio: 0 }
    const settings = { ...HISTORY_SETTINGS, auth: AUTH, trace }
    return { ...(await historyCluster(stage, { settings })), collector }
  },
)

const AUTH = { grants: { send: ['*'], call: ['*'] } }

let traces = 0
/** A context that nobody else has; sampled unless it is said otherwise. */
function context(flags = '01') {
  const traceId = `${++traces}`.padStart(32, 'a')
  return { traceId, traceparent: `00-${traceId}-b7ad6b7169203331-${flags}` }
}

/** The spans of a trace, when there are as many. */
async function spansOf({ collector }: Pick<TracedCluster, 'collector'>, traceId: string, count: number) {
  const all = () => collector.spans.filter((span) => span.traceId === traceId)
  await until(() => all().length >= count, { what: `${count} spans of ${traceId}`, timeoutMs: 15_000 })
  expect(all()).toHaveLength(count)
  const named = (name: string): ReceivedSpan[] => all().filter((span) => span.name === name)
  const one = (name: string): ReceivedSpan => {
    expect(named(name), name).toHaveLength(1)
    return named(name)[0] as ReceivedSpan
  }
  return { named, one }
}

const PARENT = 'b7ad6b7169203331'
const below = ({ traceId, spanId }: ReceivedSpan): string => `00-${traceId}-${spanId}-01`

async function pair(stage: Stage, { gateways: [one, two] }: TracedCluster, room: string): Promise<[Client, Client]> {
  if (one === undefined || two === undefined) throw new Error('two gateways are needed')
  const [ann, ben] = [await stage.user(one, 'ann-of-traces'), await stage.user(two, 'ben-of-traces')]
  await Promise.all([ann.join(room), ben.join(room)])
  return [ann, ben]
}

describe('a trace', () => {
  test('goes from a publish over the fan-out of each gateway to the call that follows', async ({ stage, cluster }) => {
    const { traceId, traceparent } = context()
    const [ann, ben] = await pair(stage, cluster, 'secret-room-1')
    const service = await serve(await cluster.nats.connect(), 'sluice.call.orders.create.ben-of-traces', () => '1')
    await ann.ok({ type: 'publish', room: 'secret-room-1', data: 'private payload', traceparent })
    const heard = await ben.message()
    expect(await ann.message()).toEqual(heard)
    await ben.ok({
      type: 'call',
      method: 'orders.create.ben-of-traces',
      data: 1,
      traceparent: heard.traceparent,
    })

    const { one, named } = await spansOf(cluster, traceId, 4)
    const publish = one('publish')
    expect(publish).toMatchObject({
      parentSpanId: PARENT,
      kind: 'producer',
      failed: false,
      attributes: { 'sluice.target': 'room', 'sluice.namespace': 'default', 'sluice.stored': false },
    })
    expect(publish.end).toBeGreaterThanOrEqual(publish.start)
    expect(heard.traceparent).toBe(below(publish))
    const fanOuts = named('fan-out')
    for (const span of fanOuts) {
      expect(span).toMatchObject({
        parentSpanId: publish.spanId,
        kind: 'consumer',
        attributes: { 'sluice.members': 1, 'sluice.namespace': 'default', 'sluice.stored': false },
      })
    }
    const processes = fanOuts.map(({ resource }) => resource['service.instance.id'])
    expect(new Set(processes)).toEqual(new Set([ann, ben].map(({ session }) => session.split('.')[0])))
    expect(publish.resource).toMatchObject({ 'service.name': 'sluice-gateway', 'service.version': '0.1.0' })
    const call = one('call')
    expect(call).toMatchObject({
      parentSpanId: publish.spanId,
      kind: 'client',
      attributes: { 'rpc.method': 'orders.create.{user}' },
    })
    expect(service.asked[0]?.headers?.get('traceparent')).toBe(below(call))

    expect(JSON.stringify(cluster.collector.spans)).not.toMatch(/ann-of|ben-of|secret-room|private payload/)
    expect(cluster.collector.requests[0]?.['api-key']).toBe(KEY)
  })

  test('goes through a history: stored, live, and read later', async ({ stage, cluster }) => {
    const { traceId, traceparent } = context()
    const [ann, ben] = await pair(stage, cluster, 'chat:traced')
    const { offset } = await ann.ok({ type: 'publish', room: 'chat:traced', data: 1, traceparent })
    const heard = await ben.message()
    const { one, named } = await spansOf(cluster, traceId, 3)
    const publish = one('publish')
    const attributes = { 'sluice.namespace': 'chat', 'sluice.stored': true, 'sluice.offset': offset }
    for (const span of [publish, ...named('fan-out')]) expect(span).toMatchObject({ attributes })
    expect(heard.traceparent).toBe(below(publish))
    const late = await stage.user(cluster.gateways[0] as never, 'late')
    await late.ok({ type: 'join', room: 'chat:traced', history: 10 })
    expect((await late.message()).traceparent).toBe(below(publish))
    const page = await late.ok({ type: 'history', room: 'chat:traced', limit: 10 })
    expect((page.messages as Frame[])[0]).toEqual({ ...heard, type: undefined, room: undefined })
    await spansOf(cluster, traceId, 3)
  })

  test('of a push of a service is continued', async ({ stage, cluster }) => {
    const { traceId, traceparent } = context()
    const [ann, ben] = await pair(stage, cluster, 'pushed')
    const pushed = headers()
    pushed.set('traceparent', traceparent)
    const nats = await cluster.nats.connect()
    nats.publish('sluice.room.default.pushed', '1', { headers: pushed })
    for (const peer of [ann, ben]) expect(await peer.message()).toMatchObject({ data: 1, traceparent })
    const { named } = await spansOf(cluster, traceId, 2)
    for (const span of named('fan-out')) expect(span.parentSpanId).toBe(PARENT)
  })

  test('follows a send to a user and to a connection', async ({ stage, cluster }) => {
    const { traceId, traceparent } = context()
    const [ann, ben] = await pair(stage, cluster, 'sends')
    await ben.ok({ type: 'join', user: 'ben-of-traces' })
    await ann.ok({ type: 'send', user: 'ben-of-traces', data: 1, ephemeral: true, traceparent })
    await ann.ok({ type: 'send', session: ben.session, data: 2, traceparent })
    const { named } = await spansOf(cluster, traceId, 4)
    const targets = (name: string) => named(name).map(({ attributes }) => attributes['sluice.target'])
    expect(targets('publish').toSorted()).toEqual(['session', 'user'])
    expect(targets('fan-out').toSorted()).toEqual(['session', 'user'])
    for (const span of named('fan-out')) {
      const publish = named('publish').find(({ spanId }) => spanId === span.parentSpanId)
      expect(publish?.attributes['sluice.target']).toBe(span.attributes['sluice.target'])
    }
  })

  test('tells what failed', async ({ stage, cluster }) => {
    const { traceId, traceparent } = context()
    const [ann] = await pair(stage, cluster, 'failing')
    await ann.refused({ type: 'call', method: 'nobody', data: 1, traceparent })
    const { one } = await spansOf(cluster, traceId, 1)
    expect(one('call')).toMatchObject({ failed: true, attributes: { 'error.type': 'no-service' } })
  })

  test('that is not sampled goes on as it came, and what names none carries none', async ({ stage, cluster }) => {
    const { traceId, traceparent } = context('00')
    const [ann, ben] = await pair(stage, cluster, 'unsampled')
    await ann.ok({ type: 'publish', room: 'unsampled', data: 1, traceparent })
    await ann.ok({ type: 'publish', room: 'unsampled', data: 2 })
    // What is no trace parent is dropped, and never the message.
    for (const bad of ['00-nonsense', `cc${traceparent.slice(2)}`, 7, null])
      await ann.ok({ type: 'publish', room: 'unsampled', data: 3, traceparent: bad })
    expect((await ben.message()).traceparent).toBe(traceparent)
    for (let n = 0; n < 5; n++) expect(await ben.message()).not.toHaveProperty('traceparent')
    const sampled = context()
    await ann.ok({ type: 'publish', room: 'unsampled', data: 4, traceparent: sampled.traceparent })
    await spansOf(cluster, sampled.traceId, 3)
    expect(cluster.collector.spans.filter((span) => span.traceId === traceId)).toEqual([])
  })
})

describe('where clients are not trusted', () => {
  withStage('what they name is dropped, and traces begin at the gateway', async ({ stage }) => {
    const collector = stage.use(await startOtlpReceiver())
    const nats = await stage.nats()
    const trace = { endpoint: collector.url, sampleRatio: 1, trustClients: false, serviceName: 'edge' }
    const gateway = await stage.gateway(nats, { settings: { trace, auth: AUTH } })
    const service = await serve(await nats.connect(), 'sluice.call.work', () => '1')
    const { traceId, traceparent } = context()
    const ann = await (await stage.user(gateway, 'ann')).join('lobby')
    await ann.ok({ type: 'publish', room: 'lobby', data: 1, traceparent })
    await ann.ok({ type: 'call', method: 'work', data: 1, traceparent })
    await until(() => collector.spans.length === 3, { what: 'the spans', timeoutMs: 15_000 })
    const find = (name: string) => collector.spans.find((span) => span.name === name) as ReceivedSpan
    for (const name of ['publish', 'call']) expect(find(name)).toMatchObject({ parentSpanId: '' })
    expect(find('fan-out')).toMatchObject({ parentSpanId: find('publish').spanId, traceId: find('publish').traceId })
    expect(find('call').resource['service.name']).toBe('edge')
    expect(service.asked[0]?.headers?.get('traceparent')).toBe(below(find('call')))
    expect(JSON.stringify([collector.spans, ann.frames])).not.toContain(traceId)
  })

  withStage('it is dropped without a collector as well', async ({ stage }) => {
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats, { settings: { trace: { trustClients: false }, auth: AUTH } })
    const service = await serve(await nats.connect(), 'sluice.call.work', () => '1')
    const { traceparent } = context()
    const ann = await (await stage.user(gateway, 'ann')).join('lobby')
    await ann.ok({ type: 'publish', room: 'lobby', data: 1, traceparent })
    expect(await ann.message()).not.toHaveProperty('traceparent')
    await ann.ok({ type: 'call', method: 'work', data: 1, traceparent })
    expect(service.asked[0]?.headers?.has('traceparent')).toBe(false)
  })
})
