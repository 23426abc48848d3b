import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import { expect, test } from 'vitest'
import { heapPercent, memoryBytesMax, memoryPercent, oldBytesMax } from './memory.ts'

const MiB = 1024 * 1024

test('the heap is full where V8 ends the process, and never later', () => {
  // As reported and as seen: --max-old-space-size=128, =400, and =128 with --max-semi-space-size=16.
  expect(oldBytesMax(320 * MiB)).toBe(128 * MiB)
  expect(oldBytesMax(592 * MiB)).toBe(400 * MiB)
  expect(oldBytesMax(176 * MiB)).toBeLessThanOrEqual(128 * MiB)
})

test('what is held is seen in percent of the limit', () => {
  const before = heapPercent()
  const held = Array.from({ length: 64 }, () => new Array(MiB / 8).fill(0.5))
  const grown = heapPercent() - before
  const expected = (100 * 64 * MiB) / oldBytesMax(getHeapStatistics().heap_size_limit)
  expect(held).toHaveLength(64)
  expect(grown).toBeGreaterThan(expected / 2)
  expect(grown).toBeLessThan(expected * 2)
})

test('memory is what the machine has at most, of which this process has some', () => {
  expect(memoryBytesMax()).toBeLessThanOrEqual(totalmem())
  expect(memoryPercent(memoryBytesMax())).toBeGreaterThan(0)
  expect(memoryPercent(memoryBytesMax())).toBeLessThan(100)
})
