// A server that lags behind, played by a mirror that was cut off: it answers direct gets with the same sequences, but knows nothing
// that came later.
import type { NatsConnection } from '@nats-io/transport-node'
import { createHistoryStores } from '@sluice/proto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askJetStream, makeHistory, storeAll } from '../../../test/harness/history-stream.ts'
import { openLink } from '../../../test/harness/links.ts'
import { type NatsServer, startNats } from '../../../test/harness/nats.ts'
import { until } from '../../../test/harness/until.ts'
import type { Link } from '../nats/link.ts'
import { createHistoryReader, type HistoryReader } from './history-reader.ts'
import type { ReadKind } from './history-requests.ts'
import type { NatsPort } from './port.ts'

const room = createHistoryStores().room('chat')
const { stream } = room
const of = (name: string): string => `sluice.pub.room.chat.${name}`
const END = Number.MAX_SAFE_INTEGER

let nats: NatsServer
let link: Link & AsyncDisposable
let client: NatsConnection
beforeAll(async () => {
  nats = await startNats()
  client = await nats.connect()
  link = await openLink(nats.url)
  await makeHistory(client, room)
  await write('a', 'b', 'a', 'a')
  const mirror = { name: 'LAGS', storage: 'file', allow_direct: true, num_replicas: 1 }
  await askJetStream(client, 'STREAM.CREATE.LAGS', { ...mirror, mirror: { name: stream } })
  const stored = async (): Promise<number> => {
    const info = await askJetStream(client, 'STREAM.INFO.LAGS', {})
    return (info as { state: { last_seq: number } }).state.last_seq
  }
  await until(async () => (await stored()) === 4)
  await askJetStream(client, 'STREAM.UPDATE.LAGS', mirror)
  // Sequences 5 to 9.
  await write('a', 'new', 'b', 'a', 'a')
})
afterAll(async () => {
  await link[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
})

const write = (...rooms: string[]): Promise<number[]> =>
  storeAll(
    client,
    rooms.map((name) => ({ subject: of(name), data: name })),
  )

/** A reader whose first direct gets are given to the server that lags. */
function lagging(questions: number): HistoryReader & { count(kind: ReadKind): number } {
  const { inbox, subscribe, request } = link
  let left = questions
  const port: NatsPort = {
    connected: true,
    inbox,
    subscribe,
    request,
    publish(subject, ...rest) {
      const lags = subject === `$JS.API.DIRECT.GET.${stream}` && left-- > 0
      return link.publish(lags ? '$JS.API.DIRECT.GET.LAGS' : subject, ...rest)
    },
  }
  const kinds: ReadKind[] = []
  const counters = { reads: (kind: ReadKind) => void kinds.push(kind) }
  const reader = createHistoryReader({ nats: port, leader: link, counters })
  return { ...reader, count: (kind) => kinds.filter((each) => each === kind).length }
}

test('the server that lags does lag', async () => {
  const page = await lagging(9).forward({ stream, subject: of('a'), from: 1, upTo: 0, messagesMax: 9 })
  expect(page.messages.map(({ offset }) => offset)).toEqual([1, 3, 4])
})

test.each([
  ['once', 1],
  ['always', 99],
])('lasts older than the fence are not believed, where it lags %s', async (_, questions) => {
  const reader = lagging(questions)
  const lasts = await reader.lasts(stream, [of('a'), of('b'), of('new'), of('none')], 9)
  expect([...lasts].map(([subject, { offset }]) => [subject, offset]).sort()).toEqual([
    [of('a'), 9],
    [of('b'), 7],
    [of('new'), 6],
  ])
  expect(reader.count('stale')).toBeGreaterThan(0)
  expect(reader.count('leader') > 0).toBe(questions > 1)
})

test('lasts as new as the fence are believed at once', async () => {
  const reader = lagging(99)
  expect((await reader.lasts(stream, [of('a'), of('new')], 4)).get(of('a'))?.offset).toBe(4)
  expect([reader.count('lasts'), reader.count('leader')]).toEqual([1, 0])
})

test('a room of which it knows nothing is not taken for empty', async () => {
  const reader = lagging(99)
  expect((await reader.lasts(stream, [of('new')], 9)).get(of('new'))?.offset).toBe(6)
})

test.each([
  ['once', 1],
  ['always', 99],
])('a forward read reaches what must be reached, where it lags %s', async (_, questions) => {
  const reader = lagging(questions)
  const page = await reader.forward({ stream, subject: of('a'), from: 3, upTo: 9, messagesMax: 100 })
  expect(page.messages.map(({ offset, prev }) => [offset, prev])).toEqual([
    [3, 2],
    [4, 3],
    [5, 4],
    [8, 5],
    [9, 8],
  ])
  expect([page.more, page.following]).toEqual([false, 5])
  expect(reader.count('leader') > 0).toBe(questions > 1)
})

test('a forward read at the leader keeps to its bounds, and does not know how many follow', async () => {
  const page = await lagging(99).forward({ stream, subject: of('a'), from: 3, upTo: 9, messagesMax: 4 })
  expect(page.messages.map(({ offset }) => offset)).toEqual([3, 4, 5, 8])
  expect([page.more, page.following]).toEqual([true, Number.POSITIVE_INFINITY])
})

test('a forward read of a room of which it knows nothing finds its messages', async () => {
  const page = await lagging(99).forward({ stream, subject: of('new'), from: 1, upTo: 6, messagesMax: 4 })
  expect(page.messages.map(({ offset }) => offset)).toEqual([6])
})

test.each([1, 2, 3, 4, 99])(
  'a backward read reaches what must be reached, where it lags %i times',
  async (questions) => {
    for (const messagesMax of [1, 2, 9]) {
      const read = { stream, subject: of('a'), before: END, upTo: 9, messagesMax }
      const { messages } = await lagging(questions).backward(read)
      expect(messages.map(({ offset }) => offset)).toEqual([1, 3, 4, 5, 8, 9].slice(-messagesMax))
      const first = { stream, subject: of('new'), before: END, upTo: 6, messagesMax }
      const page = await lagging(questions).backward(first)
      expect(page.messages.map(({ offset, prev }) => [offset, prev])).toEqual([[6, 0]])
      expect(page.more).toBe(false)
    }
  },
)
