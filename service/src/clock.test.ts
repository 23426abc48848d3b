import { expect, test } from 'vitest'
import { systemClock } from './clock.ts'

test('the system clock reads the wall in milliseconds since 1970, and a monotonic time that does not go back', () => {
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000)
  const first = systemClock.monotonicMs()
  expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(first)
})
