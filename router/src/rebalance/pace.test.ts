import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  FRUITLESS_MS_MAX,
  freshPace,
  gainOf,
  type Pace,
  paceAfter,
  roundMax,
  SETTLE_MS,
  WINDOW_MS_MAX,
  WINDOW_MS_MIN,
  windowMsOf,
} from './pace.ts'

test('no second of a window sees more connections asked than it may, for whatever a round holds', () => {
  void fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (rate, share) => {
      const connections = Math.max(1, Math.floor(roundMax(rate) * share))
      const windowMs = windowMsOf(connections, rate)
      expect(windowMs).toBeGreaterThanOrEqual(WINDOW_MS_MIN)
      expect(windowMs).toBeLessThanOrEqual(WINDOW_MS_MAX)
      // The gateway asks over two thirds of it.
      expect(connections / ((windowMs * 2) / 3 / 1000)).toBeLessThanOrEqual(rate + 1e-6)
    }),
  )
})

test('a round begins when the last one is over and the leases tell of it', () => {
  expect(freshPace(1000).notBeforeMs).toBe(1000 + SETTLE_MS)
  expect(paceAfter(freshPace(0), { excess: 100, moved: 90, windowMs: 9000 }, 50_000)).toEqual({
    notBeforeMs: 59_000 + SETTLE_MS,
    excess: 100,
    moved: 90,
    pauseMs: SETTLE_MS,
  })
})

test('rounds that lessen nothing come ever more rarely, up to a bound; one that does sets it back', () => {
  let pace: Pace = paceAfter(freshPace(0), round(100), 0)
  const pauses: number[] = []
  for (let time = 0; time < 12; time++) {
    pace = paceAfter(pace, round(100), 0)
    pauses.push(pace.pauseMs)
  }
  expect(pauses.slice(0, 3)).toEqual([SETTLE_MS * 2, SETTLE_MS * 4, SETTLE_MS * 8])
  expect(pauses.at(-1)).toBe(FRUITLESS_MS_MAX)
  expect(paceAfter(pace, round(99), 0).pauseMs).toBe(SETTLE_MS)
})

test('who knows the counts is asked for what is too much, who puts clients anywhere for up to twice as much', () => {
  expect(gainOf(freshPace(0), 100)).toBe(1)
  const pace = paceAfter(freshPace(0), { excess: 100, moved: 80, windowMs: 0 }, 0)
  expect(gainOf(pace, 20)).toBe(1)
  expect(gainOf(pace, 40)).toBeCloseTo(80 / 60)
  expect(gainOf(pace, 60)).toBe(2)
  expect(gainOf(pace, 99)).toBe(2)
  // More have left than were asked: that was the users' doing.
  expect(gainOf(pace, 0)).toBe(1)
})

function round(excess: number) {
  return { excess, moved: 10, windowMs: 0 }
}
