import type { RoomName } from '@sluice/proto'
import { HistoryUnavailable } from '@sluice/service/jetstream/history-unavailable'
import { Tally } from '@sluice/service/metrics/tally'
import { describe, expect, test, vi } from 'vitest'
import { room as topicOf } from '../../../test/harness/fanout-fakes.ts'
import { FakeStream } from '../../../test/harness/history-fakes.ts'
import { type FakeConnection, fakeConnection, payloadOf } from '../../../test/harness/session-fakes.ts'
import type { StoredInbound } from '../backplane/inbound.ts'
import { beginJoin, isMember, leaveAll, type Topic } from '../fanout/topic.ts'
import { createOutbox } from '../outbound/outbox.ts'
import { createHistory } from './history.ts'
import { createLog, type Log } from './log.ts'
import type { Logs } from './logs.ts'
import { createRing } from './ring.ts'

const QUEUE_BYTES_MAX = 100_000

/** Rooms with histories, and connections with real queues over sockets that read, or do not. */
function build() {
  const slow: FakeConnection[] = []
  const logs = new Map<Topic, Log>()
  const streams = new Map<string, FakeStream>()
  const outbox = createOutbox({
    queueBytesMax: QUEUE_BYTES_MAX,
    flushesPerTurn: 512,
    counters: { framesOut: 0, bytesOut: 0, deliveriesDropped: 0 },
    notice: () => expect.fail('nothing may be lost'),
    onOverflow: (connection) => slow.push(connection as FakeConnection),
  })
  const streamOf = ({ subject }: { readonly subject: string }): FakeStream => streams.get(subject) as FakeStream
  const counters = { deliveries: 0, historyRecoveries: new Tally() }
  const state = { ready: true, deflated: 0 }
  const caughtUp: unknown[] = []
  const history = createHistory({
    targets: undefined as never,
    logs: { of: (topic: Topic) => logs.get(topic) ?? null, ready: async () => state.ready } as unknown as Logs,
    reads: {
      forward: (at, from, upTo) => streamOf(at).reads.forward(at, from, upTo),
      backward: (at, before, max, upTo) => streamOf(at).reads.backward(at, before, max, upTo),
      stream: (at) => ([...streams.values()][0] as FakeStream).reads.stream(at) as never,
      after: async (at, offset, upTo, max) => {
        const page = await streamOf(at).reads.forward(at, offset + 1, upTo)
        return { messages: page.messages.slice(0, max), more: page.more || page.messages.length > max }
      },
    },
    last: async (at) => streamOf(at).last,
    store: () => Promise.reject(new Error('unused')),
    outbox,
    deflater: {
      deflate: (frame) => {
        state.deflated++
        return frame
      },
    },
    deliver: { caughtUp: (_, member) => void caughtUp.push(member), settle: () => undefined },
    topics: { find: () => undefined },
    queueBytesMax: QUEUE_BYTES_MAX,
    isLive: (member) => (member as FakeConnection).phase === 'open',
    counters,
  })

  /** A room with as many messages of a size, of which nothing is at hand. */
  function room(name: string, messages: number, bytes: number, fields: Partial<StoredInbound> = {}) {
    const stream = new FakeStream()
    stream.pageMax = 256
    for (let n = 0; n < messages; n++)
      stream.publish({ payload: Buffer.from(`"${'x'.repeat(Math.max(0, bytes - 2))}"`), ...fields })
    const topic = topicOf(name)
    const log = createLog({
      about: { kind: 'room', name: name as RoomName },
      subject: name,
      stream: 'S',
      ring: createRing({ messagesMax: 256, bytesMax: 512 * 1024, onBytes: () => undefined }),
      waitingMax: 10,
      onMessage: () => undefined,
      onGap: () => undefined,
      onMissing: () => undefined,
      onDoubt: () => undefined,
    })
    log.checked(stream.epoch, { offset: stream.sequence, time: stream.now }, stream.last)
    logs.set(topic, log)
    streams.set(name, stream)
    return { topic, log, stream, at: { stream: 'S', publishSubject: name } as never }
  }

  return {
    history,
    slow,
    counters,
    state,
    caughtUp,
    room,
    join: (member: FakeConnection, topic: Topic, offset: number) => {
      beginJoin(member, topic)
      return history.join(member, topic, { since: { epoch: 'e1', offset, time: undefined }, last: 0 })
    },
  }
}

/** The frames that a socket was given: each is one JSON object, however many one write had. */
function framesOf(member: FakeConnection): { type: string; room?: string; offset?: number; withheld?: true }[] {
  const frames: Buffer[] = []
  for (let rest = member.socket.bytes; rest.length > 0; ) {
    const short = rest[1] ?? 0
    const header = short === 126 ? 4 : short === 127 ? 10 : 2
    const length = short === 126 ? rest.readUInt16BE(2) : short === 127 ? Number(rest.readBigUInt64BE(2)) : short
    frames.push(rest.subarray(0, header + length))
    rest = rest.subarray(header + length)
  }
  return frames.map((frame) => JSON.parse(payloadOf(frame).toString()))
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at)

describe('a join that recovers', () => {
  test('brings what was missed compressed to those who take it so, and plain to the others', async () => {
    const { join, room, state } = build()
    const { topic } = room('a', 10, 2000)
    await join(fakeConnection({ user: 'bob' }), topic, 0)
    expect(state.deflated).toBe(0)
    const ann = fakeConnection({ user: 'ann', deflateBytesMax: Number.POSITIVE_INFINITY })
    await join(ann, topic, 0)
    expect(state.deflated).toBe(10)
    await vi.waitFor(() => expect(framesOf(ann)).toHaveLength(10))
    // What was compressed for one is there for the next.
    await join(fakeConnection({ user: 'eve', deflateBytesMax: Number.POSITIVE_INFINITY }), topic, 0)
    expect(state.deflated).toBe(10)
  })

  test('puts no more into a queue than there is room for, however big the messages are', async () => {
    const { join, room, slow, counters, caughtUp } = build()
    const { topic } = room('a', 40, 20_000)
    const member = fakeConnection()
    expect(await join(member, topic, 0)).toMatchObject({ recovered: true, end: { offset: 40 } })
    expect([slow.length, isMember(member, topic), counters.deliveries]).toEqual([0, true, 40])
    expect(caughtUp).toHaveLength(1)
    await new Promise((resolve) => setImmediate(resolve))
    expect(framesOf(member).map(({ offset }) => offset)).toEqual(numbers(1, 40))
  })

  test('of very many rooms at once puts no more into it either', async () => {
    const { join, room, slow, counters } = build()
    const member = fakeConnection()
    const rooms = Array.from({ length: 60 }, (_, at) => room(`r${at}`, 30, 400))
    const joined = await Promise.all(rooms.map(({ topic }) => join(member, topic, 0)))
    expect([slow.length, joined.every((one) => one?.recovered === true), counters.deliveries]).toEqual([0, true, 1800])
    await new Promise((resolve) => setImmediate(resolve))
    for (const { topic } of rooms)
      expect(
        framesOf(member)
          .filter((frame) => frame.room === topic.about.name)
          .map(({ offset }) => offset),
      ).toEqual(numbers(1, 30))
    expect(counters.historyRecoveries.get('recovered')).toBe(60)
  })

  test('tells the place alone of what is fit for nobody, and the content of what is withheld live: recovery withholds nothing', async () => {
    const { join, room } = build()
    const member = fakeConnection()
    await join(member, room('a', 2, 10, { unfit: 'not_json' }).topic, 0)
    await join(member, room('b', 1, 10, { excludeSession: member.session, excludeUser: 'alice' }).topic, 0)
    await new Promise((resolve) => setImmediate(resolve))
    expect(framesOf(member)).toMatchObject([
      { room: 'a', offset: 1, prev: 0, withheld: true },
      { room: 'a', offset: 2, prev: 1, withheld: true },
      { room: 'b', offset: 1, data: 'xxxxxxxx' },
    ])
  })

  test('makes no member of who is gone, nor while the history cannot be read', async () => {
    const { join, room, state, counters } = build()
    const left = room('a', 20, 10)
    const gone = fakeConnection()
    left.stream.meanwhile = () => leaveAll(gone)
    expect(await join(gone, left.topic, 0)).toBeNull()
    expect(left.topic.members).toEqual([])
    const { topic, stream } = room('b', 20, 10)
    stream.meanwhile = () => {
      throw new HistoryUnavailable('no-answer', 'S')
    }
    const one = fakeConnection({ number: 2 })
    expect(await join(one, topic, 3)).toBeNull()
    expect(counters.historyRecoveries.get('failed')).toBe(1)
    state.ready = false
    const other = fakeConnection({ number: 3 })
    expect(await join(other, topic, 3)).toBeNull()
    expect(topic.members).toEqual([])
  })
})

describe('a page', () => {
  const wish = (fields: object) => ({ limit: 10, before: undefined, after: undefined, ...fields })
  const offsets = (page: { messages: readonly StoredInbound[] } | null) =>
    page?.messages.map(({ place }) => place.offset)

  test('of the end is taken from what is at hand; of anything else it is read', async () => {
    const { history, room } = build()
    const { topic, at, stream, log } = room('a', 30, 10)
    for (let n = 0; n < 12; n++) log.receive(stream.publish())
    const member = fakeConnection()
    expect(offsets(await history.page(member, at, topic, wish({})))).toEqual(numbers(33, 42))
    expect(stream.asked).toEqual([])
    expect(offsets(await history.page(member, at, topic, wish({ before: 20 })))).toEqual(numbers(10, 19))
    expect(offsets(await history.page(member, at, topic, wish({ after: 20 })))).toEqual(numbers(21, 30))
    expect(await history.page(member, at, topic, wish({ after: 42 }))).toEqual({
      epoch: 'e1',
      messages: [],
      more: false,
    })
    expect(stream.asked).toEqual(['stream', 'backward 20 10 0', 'stream', 'forward 21 42', 'stream'])
  })

  test('of a room that nobody here is in reads up to its last message', async () => {
    const { history, room } = build()
    const { at, stream } = room('a', 30, 10)
    const page = await history.page(fakeConnection(), at, undefined, wish({}))
    expect([offsets(page), page?.more, page?.epoch]).toEqual([numbers(21, 30), true, 'e1'])
    expect(stream.asked).toEqual(['stream', 'backward 31 10 30'])
  })

  test('has as many messages as a quarter of a queue takes, from the end at which it begins', async () => {
    const { history, room, slow } = build()
    const { at } = room('a', 30, 6000)
    const member = fakeConnection()
    const backward = await history.page(member, at, undefined, wish({}))
    expect([offsets(backward), backward?.more]).toEqual([[29, 30], true])
    const forward = await history.page(member, at, undefined, wish({ after: 3 }))
    expect([offsets(forward), forward?.more]).toEqual([[4, 5], true])
    expect(slow).toEqual([])
  })

  test('has one message, however big it is', async () => {
    const { history, room } = build()
    const { at } = room('a', 3, 60_000)
    expect(offsets(await history.page(fakeConnection(), at, undefined, wish({})))).toEqual([3])
  })

  test('that cannot be read is none', async () => {
    const { history, room } = build()
    const { at, stream } = room('a', 3, 10)
    stream.meanwhile = () => {
      throw new HistoryUnavailable('no-answer', 'S')
    }
    expect(await history.page(fakeConnection(), at, undefined, wish({}))).toBeNull()
  })
})

test('a fault of ours is not told as an absence', async () => {
  const { history, join, room } = build()
  const { at, topic, stream } = room('a', 20, 10)
  stream.meanwhile = () => {
    throw new TypeError('ours')
  }
  await expect(join(fakeConnection(), topic, 3)).rejects.toThrow('ours')
  const wish = { limit: 10, before: undefined, after: undefined }
  await expect(history.page(fakeConnection({ number: 2 }), at, undefined, wish)).rejects.toThrow('ours')
})
