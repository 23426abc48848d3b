import { Tally } from '@sluice/service/metrics/tally'
import { describe, expect, test } from 'vitest'
import { eventually } from '../../../test/harness/eventually.ts'
import { crowd, fakeDelivery, join, room as topicOf } from '../../../test/harness/fanout-fakes.ts'
import { FakeStream, storedAt } from '../../../test/harness/history-fakes.ts'
import { settled } from '../../../test/harness/request-fakes.ts'
import type { FakeConnection } from '../../../test/harness/session-fakes.ts'
import type { StoredInbound } from '../backplane/inbound.ts'
import type { Topic } from '../fanout/topic.ts'
import { createLogs } from './logs.ts'

/** The logs of a gateway over one stream, whose copies the test sends. */
function build() {
  const stream = new FakeStream()
  const copies = new Map<string, (message: StoredInbound, subject: string) => void>()
  const state = { now: 0, connected: true, connects: 1, kept: true, failures: 0, away: false }
  const delivery = fakeDelivery()
  const counters = { historyGaps: new Tally(), historyRepairs: new Tally(), historyRingBytes: 0 }
  const logs = createLogs({
    backplane: {
      get connected() {
        return state.connected
      },
      get connects() {
        return state.connects
      },
      confirm: async () => true,
      listenStored(subject, deliver) {
        copies.set(subject, deliver)
        return { denied: false, unsubscribe: () => void copies.delete(subject) }
      },
    },
    deliver: delivery.deliver,
    topics: { find: () => undefined },
    targetOf: ({ name }) =>
      state.kept
        ? {
            stream: 'S',
            publishSubject: `pub.${name}`,
            liveSubject: `live.${name}`,
            settings: { messages: 10, seconds: 60 },
          }
        : null,
    reads: stream.reads,
    checks: {
      state: async () => {
        if (state.away) throw new Error('away')
        return stream.state()
      },
      lasts: stream.lasts,
      nowMs: () => state.now,
      claim: () => undefined,
    },
    counters,
    onFailure: () => state.failures++,
    onRepairFailure: () => state.failures++,
  })
  const checksMade = (): number => stream.asked.filter((one) => one === 'state').length
  return {
    logs,
    stream,
    state,
    copies,
    counters,
    checksMade,
    heard: delivery.heard,
    hear: (fields: Partial<StoredInbound> = {}) => copies.get('live.a')?.(stream.publish(fields), 'live.a'),
    async opened(topic: Topic = topicOf('a')): Promise<Topic> {
      logs.opened(topic)
      for (let turns = 0; turns < 10; turns++) await settled()
      return topic
    },
    async tick(ms: number): Promise<void> {
      state.now += ms
      logs.tick()
      for (let turns = 0; turns < 10; turns++) await settled()
    },
  }
}

describe('the log of a room', () => {
  test('is opened with its topic, hears what its stream republishes, and is checked at once', async () => {
    const { logs, opened, hear, heard, checksMade } = build()
    const topic = await opened()
    const [member] = crowd(1) as [FakeConnection]
    join(topic, member)
    hear()
    expect([logs.of(topic)?.phase, heard(member), checksMade()]).toEqual(['following', [1], 1])
    logs.opened(topic)
    expect(checksMade()).toBe(1)
  })

  test('is none where nothing is kept, until a configuration says otherwise', async () => {
    const { logs, opened, state, copies } = build()
    state.kept = false
    const topic = await opened()
    expect([logs.of(topic), copies.size]).toEqual([null, 0])
    state.kept = true
    logs.reopen([topic])
    expect([logs.of(topic)?.subject, copies.size]).toEqual(['pub.a', 1])
  })

  test('is closed with its topic: it hears nothing more and holds nothing', async () => {
    const { logs, opened, hear, copies, counters } = build()
    const topic = await opened()
    hear()
    const log = logs.of(topic)
    expect(counters.historyRingBytes).toBeGreaterThan(0)
    logs.closed(topic)
    logs.closed(topic)
    expect([logs.of(topic), log?.closed, copies.size, counters.historyRingBytes]).toEqual([null, true, 0, 0])
  })

  test('tells its members a gap in its place among the messages, and counts it', async () => {
    const { stream, logs, opened, hear, heard, counters } = build()
    const topic = await opened()
    const [member] = crowd(1) as [FakeConnection]
    join(topic, member)
    hear()
    stream.recreate('e2')
    await logs.ready(logs.of(topic) as never, 99)
    hear()
    expect(heard(member)).toEqual([
      1,
      { type: 'gap', room: 'a', reason: 'epoch', from: 1, to: 0, epoch: 'e2', offset: 0 },
      1,
    ])
    expect(counters.historyGaps.get('epoch')).toBe(1)
  })
})

describe('what is known of a room', () => {
  test('holds for who joins, unless it stood further or the connection was made anew', async () => {
    const { logs, opened, hear, state, checksMade } = build()
    const log = logs.of(await opened()) as never
    hear()
    expect([await logs.ready(log, 1), checksMade()]).toEqual([true, 1])
    expect([await logs.ready(log, 2), checksMade()]).toEqual([true, 2])
    state.connects++
    expect([await logs.ready(log, 0), checksMade()]).toEqual([true, 3])
    state.connects++
    state.connected = false
    expect([await logs.ready(log, 0), checksMade()]).toEqual([false, 3])
  })

  test('is no question of theirs for those who come while it is being checked, unless they stand higher', async () => {
    const { logs, opened, stream, checksMade } = build()
    stream.publish()
    const topic = topicOf('a')
    logs.opened(topic)
    const log = logs.of(topic) as never
    const ready = Promise.all([logs.ready(log, 0), logs.ready(log, 1), logs.ready(log, 1)])
    expect([await ready, checksMade()]).toEqual([[true, true, true], 1])
    logs.reconnected()
    const higher = Promise.all([logs.ready(log, 2), logs.ready(log, 9)])
    expect([await higher, checksMade()]).toEqual([[true, true], 3])
    await opened(topic)
  })

  test('is left to the next sweep where it was checked a moment before', async () => {
    const { logs, opened, tick, checksMade } = build()
    const topic = await opened()
    await tick(6000)
    await logs.ready(logs.of(topic) as never, 99)
    expect(checksMade()).toBe(2)
    await tick(9000)
    expect(checksMade()).toBe(2)
    await tick(15_000)
    expect(checksMade()).toBe(3)
  })

  test('is looked at again after a reconnect, and a lost last copy is found within half a minute', async () => {
    const { logs, stream, opened, hear, heard, tick } = build()
    const topic = await opened()
    const [member] = crowd(1) as [FakeConnection]
    join(topic, member)
    hear()
    stream.publish()
    logs.reconnected()
    await eventually(() => heard(member)).toEqual([1, 2])
    stream.publish()
    await tick(14_999)
    expect(heard(member)).toEqual([1, 2])
    await tick(1)
    await eventually(() => heard(member)).toEqual([1, 2, 3])
  })

  test('is asked again each second where it could not be asked', async () => {
    const { logs, opened, state, tick } = build()
    state.away = true
    const topic = await opened()
    expect([logs.of(topic)?.phase, state.failures]).toEqual(['unknown', 1])
    await tick(1000)
    expect(state.failures).toBe(2)
    await tick(999)
    expect(state.failures).toBe(2)
    state.away = false
    await tick(1)
    expect(logs.of(topic)?.phase).toBe('following')
  })

  test('and came into doubt is asked again each second, though the connection is the same', async () => {
    const { logs, opened, state, tick } = build()
    const log = logs.of(await opened())
    log?.giveUp()
    state.away = true
    await tick(1000)
    expect(state.failures).toBe(1)
    state.away = false
    await tick(1000)
    expect(log?.phase).toBe('following')
  })
})

test('the rings of all rooms together are bounded: those that were opened first are emptied', async () => {
  const { logs, copies, counters, opened } = build()
  const topics = Array.from({ length: 230 }, (_, at) => topicOf(`r${at}`))
  for (const topic of topics) logs.opened(topic)
  await opened()
  const big = { payload: Buffer.alloc(225_000, '1') }
  let most = 0
  for (const [at, topic] of topics.entries()) {
    copies.get(`live.${topic.about.name}`)?.(storedAt(at + 1, 0, big), '')
    most = Math.max(most, counters.historyRingBytes)
  }
  expect(most).toBeGreaterThan(90 * 1024 * 1024)
  expect(most).toBeLessThan(97 * 1024 * 1024)
  const held = topics.map((topic) => logs.of(topic)?.ring.entries.length)
  expect([held[0], held.at(-1)]).toEqual([0, 1])
  expect(counters.historyRingBytes).toBe(
    topics.flatMap((topic) => logs.of(topic)?.ring.entries ?? []).reduce((sum, { bytes }) => sum + bytes, 0),
  )
})
