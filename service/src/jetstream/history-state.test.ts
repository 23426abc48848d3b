import type { NatsConnection } from '@nats-io/transport-node'
import { createHistoryStores, GENERATION_METADATA } from '@sluice/proto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { askJetStream, makeHistory, storeAll } from '../../../test/harness/history-stream.ts'
import { openLink } from '../../../test/harness/links.ts'
import { type NatsServer, startNats } from '../../../test/harness/nats.ts'
import type { Link } from '../nats/link.ts'
import { historyState } from './history-state.ts'

const room = createHistoryStores().room

let nats: NatsServer
let link: Link & AsyncDisposable
let client: NatsConnection
beforeAll(async () => {
  nats = await startNats()
  client = await nats.connect()
  link = await openLink(nats.url)
})
afterAll(async () => {
  await link[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
})

test('the state of a history tells its bounds, its ends and the time of the server', async () => {
  await makeHistory(client, room('a'), {
    messagesPerSubject: 3,
    seconds: 150,
    metadata: { [GENERATION_METADATA]: 'g1' },
  })
  const publish = { subject: 'sluice.pub.room.a.x', data: '1' }
  await storeAll(
    client,
    Array.from({ length: 5 }, () => publish),
  )
  const state = await historyState(link, room('a').stream)
  expect(state).toMatchObject({
    epoch: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
    generation: 'g1',
    firstSequence: 3,
    lastSequence: 5,
    messagesPerSubject: 3,
    ageMs: 150_000,
    leader: expect.stringMatching(/./),
  })
  expect(Math.abs((state?.now ?? 0) - Date.now())).toBeLessThan(60_000)
  expect(Date.parse(state?.created ?? '')).toBeLessThanOrEqual(state?.now ?? 0)
})

test('a history without bounds has endless ones, and an empty one begins at its next sequence', async () => {
  await makeHistory(client, room('b'), { messagesPerSubject: -1, seconds: 0 })
  const state = await historyState(link, room('b').stream)
  expect(state).toMatchObject({
    messagesPerSubject: Number.POSITIVE_INFINITY,
    ageMs: Number.POSITIVE_INFINITY,
    lastSequence: 0,
    generation: '',
  })
})

test('the epoch stays while the history does, and is another after a new generation or a new stream', async () => {
  const { stream } = room('c')
  await makeHistory(client, room('c'))
  const epoch = async (): Promise<string | undefined> => (await historyState(link, stream))?.epoch
  const first = await epoch()
  await storeAll(client, [{ subject: 'sluice.pub.room.c.x', data: '1' }])
  await askJetStream(client, `STREAM.PURGE.${stream}`, {})
  expect(await epoch()).toBe(first)
  const { config } = (await askJetStream(client, `STREAM.INFO.${stream}`, {})) as { config: object }
  await askJetStream(client, `STREAM.UPDATE.${stream}`, { ...config, metadata: { [GENERATION_METADATA]: 'new' } })
  const second = await epoch()
  await askJetStream(client, `STREAM.DELETE.${stream}`, {})
  await makeHistory(client, room('c'), { metadata: { [GENERATION_METADATA]: 'new' } })
  expect(new Set([first, second, await epoch()]).size).toBe(3)
})

test('a stream that is not there has no state, and who cannot ask is told why', async () => {
  expect(await historyState(link, room('none').stream)).toBe(null)
  const away = { ...link, connected: false, request: link.request }
  await expect(historyState(away, 'S')).rejects.toMatchObject({ name: 'HistoryUnavailable', reason: 'away' })
  nats.freeze()
  // The process stops a moment after the signal.
  await vi.waitFor(() => expect(historyState(link, 'S', 200)).rejects.toMatchObject({ reason: 'no-answer' }))
  nats.thaw()
})
