import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { drainConnections, dueBy, moveMs } from './drain.ts'

describe('how many sockets are due', () => {
  test.each([
    [-1, 10, 1000, 0],
    [0, 0, 1000, 0],
    [500, 0, 1000, 0],
    [0, 1, 1000, 1],
    [0, 10, 1000, 1],
    [99, 10, 1000, 1],
    [100, 10, 1000, 2],
    [950, 10, 1000, 10],
    [1000, 10, 1000, 10],
    [5000, 10, 1000, 10],
    [0, 10, 0, 10],
  ])('after %i ms of %i sockets in a window of %i ms: %i', (elapsedMs, total, windowMs, closed) => {
    expect(dueBy(elapsedMs, total, windowMs)).toBe(closed)
  })

  test('never falls, never runs ahead of the window by more than one, and ends with all of them', () => {
    fc.assert(
      fc.property(fc.nat(20_000), fc.integer({ min: 1, max: 60_000 }), (total, windowMs) => {
        let before = 0
        for (let step = 0; step <= 20; step++) {
          const elapsedMs = (windowMs * step) / 20
          const closed = dueBy(elapsedMs, total, windowMs)
          expect(closed).toBeGreaterThanOrEqual(before)
          // A little more for what floating point loses.
          expect(closed).toBeLessThanOrEqual((total * elapsedMs) / windowMs + 1 + 1e-6)
          before = closed
        }
        expect(before).toBe(total)
      }),
    )
  })
})

describe('a drain', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** Sockets that are gone as soon as they are closed, unless the test holds them. */
  function drain(total: number, { windowMs = 1000, others = 0 } = {}) {
    const startedAt = performance.now()
    const moves: { at: number; name: number; afterMs: number }[] = []
    const closes: { at: number; name: number }[] = []
    const said: string[] = []
    const state = { others, done: false }
    const connections = Array.from({ length: total }, (_, name) => name)
    void drainConnections({
      connections,
      move: (name, afterMs) => {
        said.push(`move in ${afterMs} ${name}`)
        moves.push({ at: performance.now() - startedAt, name, afterMs })
      },
      close: (name) => {
        said.push(`close ${name}`)
        closes.push({ at: performance.now() - startedAt, name })
      },
      windowMs,
      nowMs: () => performance.now(),
      remaining: () => total - closes.length + state.others,
    }).then(() => {
      state.done = true
    })
    return { moves, closes, said, state }
  }

  test('closes each socket once, in order', async () => {
    const { closes, state } = drain(10)
    await vi.advanceTimersByTimeAsync(1100)
    expect(closes.map(({ name }) => name)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(state.done).toBe(true)
  })

  test('tells each to move before it closes it, both spread evenly over its window (case 34)', async () => {
    const { moves, closes } = drain(1000, { windowMs: 15_000 })
    await vi.advanceTimersByTimeAsync(15_100)
    expect(moves.map(({ name }) => name)).toEqual(closes.map(({ name }) => name))
    expect(moves).toHaveLength(1000)
    for (const [n, { at, afterMs }] of moves.entries()) {
      expect(afterMs).toBe(5000)
      expect((closes[n]?.at ?? 0) - at).toBeGreaterThanOrEqual(afterMs - 50)
    }
    const perSecond = (events: readonly { at: number }[], from: number) =>
      Array.from({ length: 10 }, (_, second) => {
        const start = from + second * 1000
        return events.filter(({ at }) => at >= start && at < start + 1000).length
      })
    for (const within of [...perSecond(moves, 0), ...perSecond(closes, 5000)]) {
      expect(within).toBeGreaterThan(80)
      expect(within).toBeLessThan(120)
    }
  })

  test('gives a third of its window to move, at most ten seconds', () => {
    expect([0, 3, 30_000, 60_000].map(moveMs)).toEqual([0, 1, 10_000, 10_000])
  })

  test('without sockets is over at once', async () => {
    const { closes, state } = drain(0, { windowMs: 30_000 })
    await vi.advanceTimersByTimeAsync(0)
    expect(state.done).toBe(true)
    expect(closes).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each([0, 2])(
    'without time to move, in a window of %i ms, still tells each before it closes it',
    async (windowMs) => {
      const { said, closes } = drain(5, { windowMs })
      await vi.advanceTimersByTimeAsync(100)
      expect(closes).toHaveLength(5)
      for (let name = 0; name < 5; name++) {
        expect(said.filter((one) => one.endsWith(` ${name}`))).toEqual([`move in 0 ${name}`, `close ${name}`])
      }
    },
  )

  test('without a window is over at once', () => {
    expect(drain(5, { windowMs: 0 }).closes).toHaveLength(5)
  })

  test('is over when the last socket is gone, and leaves no timer', async () => {
    const { state } = drain(3, { windowMs: 100, others: 1 })
    await vi.advanceTimersByTimeAsync(5000)
    expect(state.done).toBe(false)
    state.others = 0
    await vi.advanceTimersByTimeAsync(100)
    expect(state.done).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })
})
