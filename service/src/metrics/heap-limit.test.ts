import { expect, test } from 'vitest'
import { oldBytesMax } from './heap-limit.ts'

const MiB = 1024 * 1024

test('the heap is full where V8 ends the process, and never later', () => {
  // As reported and as seen: --max-old-space-size=128, =400, and =128 with --max-semi-space-size=16.
  expect(oldBytesMax(320 * MiB)).toBe(128 * MiB)
  expect(oldBytesMax(592 * MiB)).toBe(400 * MiB)
  expect(oldBytesMax(176 * MiB)).toBeLessThanOrEqual(128 * MiB)
})
