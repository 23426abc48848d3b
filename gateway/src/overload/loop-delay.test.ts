import { describe, expect, test } from 'vitest'
import { createLoopDelay } from './loop-delay.ts'

/** The delay that turns of these lengths show, in milliseconds. */
function delayOf(turnsMs: readonly number[]): number {
  const loop = createLoopDelay(50, 1000)
  let nowMs = 1000
  for (const turnMs of turnsMs) {
    nowMs += turnMs
    loop.turn(nowMs)
  }
  return loop.take()
}

describe('the delay of the event loop', () => {
  test('is nothing where the timer comes in time, and before it has come', () => {
    expect(delayOf([])).toBe(0)
    expect(delayOf([50, 50, 49, 51])).toBeLessThan(1)
  })

  test('is how late each turn is, be there many in a look or one in several', () => {
    expect(delayOf([550, 550])).toBe(500)
    expect(delayOf([3050])).toBe(3000)
  })

  test('weighs long turns by the frames that come within them', () => {
    // For 900 of 1000 ms a frame meets a turn that is 850 ms late.
    expect(delayOf([900, 50, 50])).toBe(765)
  })

  test('begins anew after each look', () => {
    const loop = createLoopDelay(50, 0)
    loop.turn(2000)
    expect(loop.take()).toBe(1950)
    loop.turn(2050)
    expect(loop.take()).toBe(0)
  })
})
