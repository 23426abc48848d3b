import { describe, expect, test } from 'vitest'
import { createElapsed, platform } from './ambient.ts'
import { moveDelayMs } from './move.ts'

describe('the clock', () => {
  const clocks = { monotonic: 1000, wall: 50_000 }
  const elapsed = createElapsed(
    () => clocks.monotonic,
    () => clocks.wall,
  )
  const after = (monotonic: number, wall: number): number => {
    const before = elapsed()
    clocks.monotonic += monotonic
    clocks.wall += wall
    return elapsed() - before
  }

  test('counts the time in which a monotonic clock slept', () => {
    expect(after(100, 100)).toBe(100)
    expect(after(5, 60_005)).toBe(60_005)
  })

  test('never goes back with the wall clock, and goes on from there', () => {
    expect(after(50, -3_600_000)).toBe(50)
    expect(after(20, 60_020)).toBe(60_020)
  })

  test('is not hurried by looking often at clocks of different grain', () => {
    let total = 0
    for (let look = 0; look < 5000; look++) total += after(0.2, look % 5 === 0 ? 1 : 0)
    expect(total).toBeCloseTo(1000)
  })
})

test('keys are long, legal and never the same', () => {
  const { newKey } = platform() ?? expect.fail('no WebSocket here')
  const keys = new Set(Array.from({ length: 1000 }, newKey))
  expect(keys.size).toBe(1000)
  for (const key of keys) expect(key).toMatch(/^[A-Za-z0-9_-]{22}$/)
})

test('moves begin evenly over the time that the gateway gives, less what they take', () => {
  expect(moveDelayMs(30_000, 0)).toBe(0)
  expect(moveDelayMs(30_000, 0.999_999)).toBeLessThan(25_000)
  expect(moveDelayMs(30_000, 0.5)).toBe(12_500)
  expect(moveDelayMs(1000, 0.5)).toBe(250)
  expect(moveDelayMs(0, 0.5)).toBe(0)
})
