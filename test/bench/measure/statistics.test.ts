import { describe, expect, test } from 'vitest'
import { quantile, ratiosToNeighbours, spread, summarise } from './statistics.ts'

describe('a summary', () => {
  test('has the median and the quartiles, whatever the order', () => {
    expect(summarise([5, 1, 4, 2, 3])).toEqual({ count: 5, median: 3, q1: 2, q3: 4 })
  })

  test('lies between two figures where there is none in the middle', () => {
    expect(summarise([1, 2, 3, 4])).toEqual({ count: 4, median: 2.5, q1: 1.75, q3: 3.25 })
  })

  test('of one figure is that figure', () => {
    expect(summarise([7])).toEqual({ count: 1, median: 7, q1: 7, q3: 7 })
  })

  test('of nothing is an error', () => {
    expect(() => quantile([], 0.5)).toThrow('no figures')
  })

  test('spreads by the distance of its quartiles', () => {
    expect(spread({ count: 9, median: 2, q1: 1.9, q3: 2.2 })).toBeCloseTo(0.15)
  })
})

describe('a ratio', () => {
  const slice = (server: string, micros: number) => ({ server, micros })

  test('is taken to the mean of the reference slices on both sides', () => {
    const slices = [slice('raw', 6), slice('a', 14), slice('raw', 8), slice('b', 5), slice('raw', 12)]
    expect(ratiosToNeighbours(slices, 'raw')).toEqual(
      new Map([
        ['a', [2]],
        ['b', [0.5]],
      ]),
    )
  })

  test('is not taken where a neighbour is missing', () => {
    expect(ratiosToNeighbours([slice('a', 1), slice('raw', 1), slice('a', 1)], 'raw')).toEqual(new Map())
  })

  test('is not taken from or to a slice that does not count', () => {
    const slices = [slice('raw', 1), slice('a', 2), slice('raw', Number.NaN), slice('a', 2), slice('raw', 1)]
    expect(ratiosToNeighbours([...slices, slice('a', 3), slice('raw', 1)], 'raw').get('a')).toEqual([3])
  })

  test('hides a machine that becomes slower', () => {
    const slices = [slice('raw', 10), slice('a', 11), slice('raw', 12), slice('a', 13), slice('raw', 14)]
    expect(ratiosToNeighbours(slices, 'raw').get('a')).toEqual([1, 1])
  })
})
