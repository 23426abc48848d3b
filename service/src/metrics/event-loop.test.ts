import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type LoopMonitor, startLoopMonitor } from './event-loop.ts'

let loop: LoopMonitor

beforeEach(() => {
  loop = startLoopMonitor()
})

afterEach(() => loop.stop())

describe('the delay of the event loop', () => {
  test('shows a blocked loop once, in seconds', async () => {
    const turns = async (count: number): Promise<void> => {
      for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve, 12))
    }
    await turns(3)
    loop.take()
    await turns(3)
    const until = performance.now() + 120
    while (performance.now() < until);
    await turns(3)
    const blocked = loop.take()
    expect(blocked.max).toBeGreaterThan(0.08)
    expect(blocked.max).toBeLessThan(10)
    expect(blocked.p50).toBeLessThan(blocked.max)
    await turns(3)
    expect(loop.take().max).toBeLessThan(blocked.max)
  })

  test('is zero before the first sample', () => {
    const fresh = startLoopMonitor()
    expect(fresh.take()).toEqual({ p50: 0, p99: 0, max: 0 })
    fresh.stop()
  })
})
