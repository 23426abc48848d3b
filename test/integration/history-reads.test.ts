// Reads of a history in a cluster: what followers lag behind is never taken for what is there.
import { setImmediate as immediate } from 'node:timers/promises'
import type { NatsConnection } from '@nats-io/transport-node'
import { createHistoryStores } from '@sluice/proto'
import { createHistoryReader, type HistoryReader } from '@sluice/service/jetstream/history-reader'
import { historyState } from '@sluice/service/jetstream/history-state'
import { HistoryUnavailable } from '@sluice/service/jetstream/history-unavailable'
import type { Link } from '@sluice/service/nats/link'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { makeHistory, store, storeAll } from '../harness/history-stream.ts'
import { openLink } from '../harness/links.ts'
import { type ClusterNode, type NatsCluster, startNatsCluster } from '../harness/nats-cluster.ts'
import { until, within } from '../harness/until.ts'

const END = Number.MAX_SAFE_INTEGER
const { room } = createHistoryStores()
const { stream } = room('chat')
const subjectOf = (name: string): string => `sluice.pub.room.chat.${name}`

let cluster: NatsCluster
let publisher: NatsConnection
beforeAll(async () => {
  cluster = await startNatsCluster()
  const [first] = cluster.nodes
  publisher = await first.connect({
    servers: [...cluster.urls],
    ignoreClusterUpdates: false,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
  })
  await makeHistory(publisher, room('chat'), { replicas: 3, messagesPerSubject: 100_000 })
})
afterAll(() => cluster[Symbol.asyncDispose]())
beforeEach(async () => {
  for (const node of cluster.nodes) {
    node.thaw()
    if (!node.running) await node.start()
  }
  await cluster.leaderOf(stream)
})

const numbered = (subject: string, count: number) =>
  Array.from({ length: count }, (_, at) => ({ subject, data: `${at}` }))

async function readerAt(node: ClusterNode): Promise<{
  readonly link: Link & AsyncDisposable
  readonly reader: HistoryReader
}> {
  const link = await openLink(node.url, `reader at ${node.name}`)
  const reader = createHistoryReader({ nats: link, leader: link, counters: { reads: () => undefined } })
  return { link, reader }
}

test('a read through a follower right after a publish elsewhere never misses it (case 52)', async () => {
  const [follower] = await cluster.followersOf(stream)
  const { link, reader } = await readerAt(follower as ClusterNode)
  const writer = await (await cluster.leaderOf(stream)).connect()
  const subject = subjectOf('fenced')
  let before = 0
  for (let round = 0; round < 200; round++) {
    const offset = await store(writer, { subject, data: `${round}` })
    const state = await historyState(link, stream)
    const fence = state?.lastSequence ?? 0
    expect(fence).toBeGreaterThanOrEqual(offset)
    const [lasts, backward] = await Promise.all([
      reader.lasts(stream, [subject, subjectOf(`none${round}`)], fence),
      reader.backward({ stream, subject, before: END, upTo: offset, messagesMax: 1 }),
    ])
    expect(lasts.get(subject)?.offset).toBe(offset)
    expect(backward.messages.map((message) => message.offset)).toEqual([offset])
    const page = await reader.forward({ stream, subject, from: before + 1, upTo: offset, messagesMax: 10 })
    expect(page.messages.map((message) => message.offset)).toEqual([offset])
    before = offset
  }
  await link[Symbol.asyncDispose]()
})

test('a room that has just got its first message is not taken for empty', async () => {
  const [follower] = await cluster.followersOf(stream)
  const { link, reader } = await readerAt(follower as ClusterNode)
  const writer = await (await cluster.leaderOf(stream)).connect()
  for (let round = 0; round < 100; round++) {
    const subject = subjectOf(`new${round}`)
    const offset = await store(writer, { subject, data: '1' })
    // The answer of the leader overtakes the copy of the message to the follower.
    expect((await reader.lasts(stream, [subject], offset)).get(subject)?.offset).toBe(offset)
  }
  await link[Symbol.asyncDispose]()
})

test('reads while the leader dies are whole or refused, and are whole again after the election', async () => {
  const leader = await cluster.leaderOf(stream)
  const followers = await cluster.followersOf(stream)
  const subject = subjectOf('dying')
  const stored = await storeAll(
    publisher,
    Array.from({ length: 300 }, (_, at) => ({ subject, data: `${at}` })),
  )
  const last = stored.at(-1) as number
  const readers = await Promise.all([...followers, leader].map(readerAt))
  const told = { whole: 0, refused: 0 }
  let going = true
  const loops = readers.map(async ({ reader }) => {
    while (going) {
      try {
        const page = await reader.forward({ stream, subject, from: 1, upTo: last, messagesMax: 1000 })
        expect(page.messages.map((message) => message.offset)).toEqual(stored)
        const end = await reader.backward({ stream, subject, before: END, upTo: last, messagesMax: 5 })
        expect(end.messages.map((message) => message.offset)).toEqual(stored.slice(-5))
        const lasts = await reader.lasts(stream, [subject, subjectOf('none')], last)
        expect(lasts.get(subject)?.offset).toBe(last)
        told.whole++
      } catch (error) {
        if (!(error instanceof HistoryUnavailable)) throw error
        told.refused++
        await immediate()
      }
    }
  })
  const failed = Promise.all(loops)
  await until(() => told.whole > 5)
  await leader.kill()
  await cluster.leaderOf(stream)
  const before = told.whole
  await until(() => told.whole > before + 5, { timeoutMs: 30_000 })
  await leader.start()
  going = false
  await failed
  for (const { link } of readers) await link[Symbol.asyncDispose]()
})

test('a server that is frozen, to which reads may be given, holds them up a moment and spoils none', async () => {
  const [frozen, other] = await cluster.followersOf(stream)
  const { link, reader } = await readerAt(other as ClusterNode)
  const subject = subjectOf('frozen')
  const stored = await storeAll(publisher, numbered(subject, 20))
  ;(frozen as ClusterNode).freeze()
  const reads = Array.from({ length: 10 }, async (_, at) => {
    const from = stored[at] as number
    const page = await reader.forward({ stream, subject, from, upTo: stored.at(-1) as number, messagesMax: 100 })
    expect(page.messages).toHaveLength(20 - at)
  })
  await within(8000, 'the reads', Promise.all(reads))
  await link[Symbol.asyncDispose]()
})

test('a change of the leader does not show in what is read, nor in the epoch', async () => {
  const subject = subjectOf('stepping')
  const { link, reader } = await readerAt(cluster.nodes[0])
  const before = await historyState(link, stream)
  for (let round = 0; round < 3; round++) {
    const offset = await store(publisher, { subject, data: `${round}` })
    const leader = await cluster.stepDown(stream)
    const page = await reader.forward({ stream, subject, from: offset, upTo: offset, messagesMax: 1 })
    expect(page.messages.map((message) => message.offset)).toEqual([offset])
    const state = await until(() => historyState(link, stream, 500), { timeoutMs: 15_000 })
    expect(state).toMatchObject({ epoch: before?.epoch, leader: leader.name })
  }
  await link[Symbol.asyncDispose]()
})
