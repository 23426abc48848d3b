import { totalmem } from 'node:os'
import { heapLimitBytes } from '@sluice/service/metrics/heap-limit'
import { expect, test } from 'vitest'
import { heapPercent, memoryBytesMax, memoryPercent } from './memory.ts'

const MiB = 1024 * 1024

test('what is held is seen in percent of the limit', () => {
  const before = heapPercent()
  const held = Array.from({ length: 64 }, () => new Array(MiB / 8).fill(0.5))
  const grown = heapPercent() - before
  const expected = (100 * 64 * MiB) / heapLimitBytes()
  expect(held).toHaveLength(64)
  expect(grown).toBeGreaterThan(expected / 2)
  expect(grown).toBeLessThan(expected * 2)
})

test('memory is what the machine has at most, of which this process has some', () => {
  expect(memoryBytesMax()).toBeLessThanOrEqual(totalmem())
  expect(memoryPercent(memoryBytesMax())).toBeGreaterThan(0)
  expect(memoryPercent(memoryBytesMax())).toBeLessThan(100)
})
