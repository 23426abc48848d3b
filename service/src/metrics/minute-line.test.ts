import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Logger } from '../log.ts'
import { startMinuteLine } from './minute-line.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function start() {
  const lines: unknown[][] = []
  const log = { info: (...line: unknown[]) => lines.push(line) } as unknown as Pick<Logger, 'info'>
  const counters = { framesIn: 5, deliveries: 7 }
  const minuteLine = startMinuteLine({ log, gauges: () => ({ connections: 3 }), counts: () => ({ ...counters }) })
  return { lines, counters, minuteLine }
}

test('a line comes once a minute, with what has happened since the one before', () => {
  const { lines, counters } = start()
  vi.advanceTimersByTime(59_999)
  expect(lines).toEqual([])
  counters.framesIn += 10
  counters.deliveries += 100
  vi.advanceTimersByTime(1)
  counters.framesIn += 1
  vi.advanceTimersByTime(60_000)
  const memory = { rssBytes: expect.any(Number), heapBytes: expect.any(Number) }
  expect(lines).toEqual([
    [{ connections: 3, framesIn: 10, deliveries: 100, ...memory }, 'status'],
    [{ connections: 3, framesIn: 1, deliveries: 0, ...memory }, 'status'],
  ])
})

test('no line comes after the stop', () => {
  const { lines, minuteLine } = start()
  minuteLine.stop()
  vi.advanceTimersByTime(600_000)
  expect(lines).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})
