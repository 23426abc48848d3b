import type { Position, RoomName } from '@sluice/proto'
import { describe, expect, test, vi } from 'vitest'
import { eventually } from '../../../test/harness/eventually.ts'
import { storedAt } from '../../../test/harness/history-fakes.ts'
import { settled } from '../../../test/harness/request-fakes.ts'
import { type CheckedStream, createChecks } from './checks.ts'
import { createLog, type Gap, type Log } from './log.ts'
import { createRing } from './ring.ts'

/** Checks of streams that are what the test says; answers wait until it lets them go, where it holds them. */
function build() {
  const state = {
    connects: 1,
    connected: true,
    now: 0,
    stream: { epoch: 'e', lastSequence: 10, lastTime: 0, now: 5000 } as CheckedStream | null,
    last: new Map<string, Position>(),
    fails: false,
    asked: [] as string[],
    failures: [] as unknown[],
    claims: [] as unknown[],
    meanwhile: (): unknown => undefined,
  }
  const checks = createChecks({
    state: async (stream) => {
      state.asked.push(`state ${stream}`)
      const answer = state.stream
      await settled()
      if (state.fails) throw new Error('away')
      return answer
    },
    lasts: async (stream, subjects, fence) => {
      state.asked.push(`lasts ${stream} ${subjects.join()} ${fence}`)
      await settled()
      state.meanwhile()
      return state.last
    },
    connects: () => state.connects,
    connected: () => state.connected,
    nowMs: () => state.now,
    claim: (claim) => state.claims.push(claim),
    onFailure: (_, reason) => state.failures.push(reason),
  })
  function log(name: string, stream = 'S') {
    const gaps: Gap[] = []
    const made: Log = createLog({
      about: { kind: 'room', name: name as RoomName },
      subject: name,
      stream,
      ring: createRing({ messagesMax: 10, bytesMax: 1e6, onBytes: () => undefined }),
      waitingMax: 10,
      onMessage: () => undefined,
      onGap: (gap) => gaps.push(gap),
      onMissing: () => undefined,
      onDoubt: (log, why) => why === 'rollback' && checks.rolledBack(log),
    })
    return Object.assign(made, { gaps })
  }
  return { checks, state, log }
}

describe('a check', () => {
  test('asks each stream once for all its logs of a turn, and for their last messages as new as the leader told', async () => {
    const { checks, state, log } = build()
    const logs = [log('a'), log('b'), log('c', 'T')]
    state.last.set('b', { offset: 4, time: 1004 })
    expect(await Promise.all(logs.map(checks.check))).toEqual([true, true, true])
    expect(state.asked.sort()).toEqual(['lasts S a,b 10', 'lasts T c 10', 'state S', 'state T'])
    expect(logs.map(({ position }) => position.offset)).toEqual([10, 4, 10])
    expect(logs.map(({ end }) => end)).toEqual(Array(3).fill({ offset: 10, time: 5000 }))
  })

  test('holds on the connection that it was made on, up to the end that it found', async () => {
    const { checks, state, log } = build()
    const one = log('a')
    expect(checks.holds(one, 0)).toBe(false)
    await checks.check(one)
    expect([checks.holds(one, 10), checks.holds(one, 11)]).toEqual([true, false])
    state.connects++
    expect(checks.holds(one, 0)).toBe(false)
  })

  test('during which the connection was made anew proves nothing', async () => {
    const { checks, state, log } = build()
    const one = log('a')
    state.meanwhile = () => void state.connects++
    expect(await checks.check(one)).toBe(false)
    expect(checks.holds(one, 0)).toBe(false)
  })

  test('fails where NATS is away, nobody answers, or there is no such stream', async () => {
    const { checks, state, log } = build()
    const one = log('a')
    state.connected = false
    expect(await checks.check(one)).toBe(false)
    expect(state.asked).toEqual([])
    state.connected = true
    state.fails = true
    expect(await checks.check(one)).toBe(false)
    state.fails = false
    state.stream = null
    expect(await checks.check(one)).toBe(false)
    expect(state.failures).toEqual([expect.any(Error), null])
    expect(one.epoch).toBeNull()
  })

  test('of a log that was closed meanwhile changes nothing', async () => {
    const { checks, state, log } = build()
    const one = log('a')
    state.meanwhile = () => {
      one.closed = true
    }
    await checks.check(one)
    expect(one.epoch).toBeNull()
  })

  test('case 22: that finds another epoch begins anew there, once', async () => {
    const { checks, state, log } = build()
    const one = log('a')
    await checks.check(one)
    state.stream = { epoch: 'f', lastSequence: 3, lastTime: 0, now: 6000 }
    await checks.check(one)
    await checks.check(one)
    expect(one.gaps).toEqual([{ reason: 'epoch', from: 10, epoch: 'f', position: { offset: 3, time: 6000 } }])
  })
})

describe('a leader whose end lies below where a log stands', () => {
  test('has lost nothing where the log got further while it was asked', async () => {
    const { checks, state, log } = build()
    const one = log('a')
    await checks.check(one)
    state.meanwhile = () => one.receive(storedAt(11, 0, { place: { offset: 11, prev: 0, time: 5001 } }))
    await checks.check(one)
    state.meanwhile = () => undefined
    expect([one.position.offset, checks.holds(one, 11)]).toEqual([11, true])
    state.now = 60_000
    state.stream = { epoch: 'e', lastSequence: 11, lastTime: 0, now: 6000 }
    await checks.check(one)
    expect(one.gaps).toEqual([])
  })

  test('has lost nothing either in a room that is always a little further, check by check', async () => {
    const { checks, state, log } = build()
    const one = log('a')
    await checks.check(one)
    for (let offset = 11; offset < 16; offset++) {
      state.now += 6000
      state.meanwhile = () => one.receive(storedAt(offset, 0, { place: { offset, prev: 0, time: 5000 + offset } }))
      await checks.check(one)
      state.stream = { epoch: 'e', lastSequence: offset, lastTime: 0, now: 6000 }
    }
    expect([one.gaps, one.position.offset, one.era]).toEqual([[], 15, 1])
  })

  test('was not as far yet, if it is a little later', async () => {
    const { checks, state, log } = build()
    const one = log('a')
    await checks.check(one)
    state.stream = { epoch: 'e', lastSequence: 8, lastTime: 0, now: 5500 }
    await checks.check(one)
    state.now = 10_000
    state.stream = { epoch: 'e', lastSequence: 12, lastTime: 0, now: 6000 }
    await checks.check(one)
    state.now = 20_000
    await checks.check(one)
    expect([one.gaps, one.end.offset]).toEqual([[], 12])
  })

  test('is told to routers once it has lasted for half a second, with the furthest that this gateway has seen, until it has another epoch', async () => {
    const { checks, state, log } = build()
    const [one, two] = [log('a'), log('b')]
    state.last.set('b', { offset: 9, time: 1009 })
    const both = () => Promise.all([checks.check(one), checks.check(two)])
    await both()
    state.stream = { epoch: 'e', lastSequence: 4, lastTime: 0, now: 5500 }
    state.last.set('b', { offset: 4, time: 1004 })
    await both()
    expect(state.claims).toEqual([])
    state.now = 500
    await both()
    // No message of that room stands there: the offset is the stream's end as its leader told it.
    expect(state.claims).toEqual([{ stream: 'S', epoch: 'e', offset: 10 }])
    await checks.check(two)
    expect(state.claims[1]).toEqual({ stream: 'S', epoch: 'e', offset: 9, time: 1009 })
    state.stream = { epoch: 'e2', lastSequence: 4, lastTime: 0, now: 5600 }
    await both()
    await both()
    expect([state.claims.length, one.gaps.length, two.gaps.length]).toEqual([2, 1, 1])
  })

  test('is looked at again until routers have given the stream another generation', async () => {
    const { checks, state, log } = build()
    const one = log('a')
    await checks.check(one)
    state.stream = { epoch: 'e', lastSequence: 8, lastTime: 0, now: 5500 }
    await checks.check(one)
    await checks.check(one)
    expect(one.gaps).toEqual([])
    state.stream = { epoch: 'e2', lastSequence: 8, lastTime: 0, now: 5600 }
    await eventually(() => one.gaps).toEqual([
      { reason: 'epoch', from: 10, epoch: 'e2', position: { offset: 8, time: 5600 } },
    ])
  })

  test('is looked at again once, however often it was checked meanwhile', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    try {
      const { checks, state, log } = build()
      const one = log('a')
      await checks.check(one)
      state.stream = { epoch: 'e', lastSequence: 8, lastTime: 0, now: 5500 }
      for (let n = 0; n < 3; n++) await checks.check(one)
      expect(vi.getTimerCount()).toBe(1)
    } finally {
      vi.useRealTimers()
    }
  })

  test('has lost it where that lasts: members are told under the old epoch, late rather than never', async () => {
    const { checks, state, log } = build()
    const one = log('a')
    await checks.check(one)
    state.stream = { epoch: 'e', lastSequence: 8, lastTime: 0, now: 5500 }
    await checks.check(one)
    state.now = 14_999
    await checks.check(one)
    expect(one.gaps).toEqual([])
    state.now = 15_000
    await checks.check(one)
    expect(one.gaps).toMatchObject([{ reason: 'epoch', from: 10, epoch: 'e', position: { offset: 8 } }])
    expect(checks.holds(one, 8)).toBe(true)
  })
})

test('a log that has heard an old offset with a new time holds nothing until it begins anew', async () => {
  const { checks, state, log } = build()
  const one = log('a')
  await checks.check(one)
  one.receive(storedAt(9, 0, { place: { offset: 9, prev: 0, time: 9000 } }))
  expect([one.phase, checks.holds(one, 0)]).toEqual(['unknown', false])
  state.stream = { epoch: 'e', lastSequence: 99, lastTime: 0, now: 9001 }
  await checks.check(one)
  expect([one.phase, checks.holds(one, 0)]).toEqual(['unknown', false])
  state.stream = { epoch: 'f', lastSequence: 99, lastTime: 0, now: 9001 }
  await checks.check(one)
  expect([one.phase, checks.holds(one, 0)]).toEqual(['following', true])
  expect(one.gaps).toMatchObject([{ reason: 'epoch', epoch: 'f', position: { offset: 99 } }])
})

test('a check that began before a log has begun anew does not take it back', async () => {
  const { checks, state, log } = build()
  const one = log('a')
  await checks.check(one)
  state.meanwhile = () => {
    state.meanwhile = () => undefined
    one.begin('f', { offset: 3, time: 6000 }, null)
  }
  await checks.check(one)
  expect([one.epoch, one.position.offset, one.gaps.length]).toEqual(['f', 3, 1])
})

test('a log of all rooms ends where its stream does, which is asked for nothing else', async () => {
  const { checks, state } = build()
  state.stream = { epoch: 'e', lastSequence: 10, lastTime: 4000, now: 5000 }
  const missing: number[] = []
  const log = createLog({
    about: { kind: 'room', name: 'chat:*' as RoomName },
    subject: 'all',
    stream: 'S',
    wide: true,
    ring: createRing({ messagesMax: 10, bytesMax: 1e6, onBytes: () => undefined }),
    waitingMax: 10,
    onMessage: () => undefined,
    onGap: () => undefined,
    onMissing: (_, upTo) => missing.push(upTo),
    onDoubt: () => undefined,
  })
  expect(await checks.check(log)).toBe(true)
  // The time of the message there, as whoever comes back with it is held against that.
  expect([log.end, log.lastMessage, state.asked]).toEqual([{ offset: 10, time: 4000 }, 10, ['state S']])
  state.stream = { ...state.stream, lastSequence: 12, lastTime: 4100 }
  await checks.check(log)
  expect(missing).toEqual([12])
})
