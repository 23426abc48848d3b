// Assertions that may become true a little later: vitest's polling with the patience that several processes need.
import { expect } from 'vitest'

/**
 * `await eventually(() => …).toBe(…)`: asks until the assertion holds.
 *
 * @param timeoutMs - default 5000
 */
export function eventually<value>(probe: () => value | Promise<value>, timeoutMs = 5000) {
  return expect.poll(probe, { timeout: timeoutMs, interval: 20 })
}
