import { describe, expect, test } from 'vitest'
import { type Due, type DueOptions, type DueState, decideDue } from './due.ts'

// As in production: 25 s and 60 s in steps of a quarter of a second.
const OPTIONS: DueOptions = { heartbeatTicks: 100, silenceTicks: 240, tickMs: 250 }
const NOW = 1_700_000_000_000

const OPEN: DueState = {
  phase: 'open',
  signInByTick: 40,
  endsAt: null,
  heardTick: 1000,
  pingedTick: -1,
  paused: false,
}

function due(state: Partial<DueState>, tick: number, now = NOW): Due {
  return decideDue({ ...OPEN, ...state }, tick, now, OPTIONS)
}

const wait = (ticks: number): Due => ({ action: 'wait', ticks })
const ping = (ticks: number): Due => ({ action: 'ping', ticks })
const close = (code: 4001 | 4002 | 4009): Due => ({ action: 'close', code, reason: expect.any(String) as string })

describe('a connection that has not signed in', () => {
  test.each([
    ['may wait until its deadline', 0, wait(40)],
    ['may wait one tick before it', 39, wait(1)],
    ['is closed at the deadline', 40, close(4001)],
    ['is closed after the deadline', 41, close(4001)],
  ])('%s', (_, tick, expected) => {
    expect(due({ phase: 'waiting' }, tick)).toEqual(expected)
  })

  test('is not late while its token is being verified', () => {
    expect(due({ phase: 'verifying' }, 39)).toEqual(wait(100))
    expect(due({ phase: 'verifying' }, 4000)).toEqual(wait(100))
  })
})

describe('an open connection', () => {
  test.each<[string, Partial<DueState>, number, Due]>([
    ['that was just heard is left alone for a heartbeat', {}, 1000, wait(100)],
    ['is left alone one tick before its heartbeat', {}, 1099, wait(1)],
    ['is pinged when its heartbeat is due', {}, 1100, ping(100)],
    ['is pinged when a long pause of the process is over', {}, 1239, ping(1)],
    ['that was pinged is looked at within a heartbeat', { pingedTick: 1100 }, 1150, wait(90)],
    ['that was pinged is looked at when its silence ends', { pingedTick: 1100 }, 1200, wait(40)],
    ['that was pinged is not closed one tick early', { pingedTick: 1100 }, 1239, wait(1)],
    ['that was pinged in vain is closed', { pingedTick: 1100 }, 1240, close(4009)],
    ['that has answered is pinged again', { heardTick: 1101, pingedTick: 1100 }, 1201, ping(100)],
    [
      'that answered within the tick of the ping is pinged again',
      { heardTick: 1100, pingedTick: 1100 },
      1200,
      ping(100),
    ],
  ])('%s', (_, state, tick, expected) => {
    expect(due(state, tick)).toEqual(expected)
  })

  test('is not silent while the gateway itself does not read', () => {
    expect(due({ paused: true }, 5000)).toEqual(wait(100))
  })
})

describe('a connection whose token ends', () => {
  test.each<[string, Partial<DueState>, number, Due]>([
    ['is looked at again at that time', { endsAt: NOW + 5000 }, 1000, wait(20)],
    ['is looked at no later than a heartbeat away', { endsAt: NOW + 60_000 }, 1000, wait(100)],
    ['is open a millisecond before', { endsAt: NOW + 1 }, 1000, wait(1 / 250)],
    ['is closed at its end', { endsAt: NOW }, 1000, close(4002)],
    ['is closed after its end', { endsAt: NOW - 1 }, 1000, close(4002)],
    ['is closed also while it is not read', { endsAt: NOW, paused: true }, 1000, close(4002)],
    ['that is not read is looked at in time', { endsAt: NOW + 500, paused: true }, 1000, wait(2)],
    ['is told so rather than that it is silent', { endsAt: NOW }, 1240, close(4002)],
    ['is pinged and looked at in time', { endsAt: NOW + 250 }, 1100, ping(1)],
  ])('%s', (_, state, tick, expected) => {
    expect(due(state, tick)).toEqual(expected)
  })
})

test('a client that answers each ping is pinged once in each heartbeat and never closed', () => {
  let [heardTick, pingedTick] = [0, -1]
  const pings: number[] = []
  for (let tick = 1; tick <= 1000; ) {
    const decided = due({ heardTick, pingedTick }, tick)
    if (decided.action === 'close') expect.fail(`closed at ${tick}`)
    if (decided.action === 'ping') {
      pings.push(tick)
      pingedTick = tick
      heardTick = tick
    }
    tick += Math.ceil(decided.ticks)
  }
  expect(pings).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900, 1000])
})
