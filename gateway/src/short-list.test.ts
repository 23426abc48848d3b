import { expect, test } from 'vitest'
import { appended } from './short-list.ts'

test('a short list is not changed under whoever reads it, a long one grows in place', () => {
  const short = [1, 2]
  expect(appended(short, 3)).toEqual([1, 2, 3])
  expect(short).toEqual([1, 2])
  const long = Array.from({ length: 8 }, (_, n) => n)
  expect(appended(long, 8)).toBe(long)
  expect(long).toHaveLength(9)
})

test('an item that is a list stays one item', () => {
  expect(appended<readonly number[]>([[1]], [2, 3])).toEqual([[1], [2, 3]])
})
