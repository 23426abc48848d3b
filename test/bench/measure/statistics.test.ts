import { describe, expect, test } from 'vitest'
import { judge, quantile, ratiosToNeighbours, spread, summarise } from './statistics.ts'

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

describe('the verdict', () => {
  const tight = (median: number) => ({ count: 20, median, q1: median * 0.99, q3: median * 1.01 })

  test.each([
    [1.0, 'within'],
    [1.1, 'within'],
    [1.11, 'tolerated'],
    [1.26, 'tolerated'],
    [1.28, 'over'],
  ])('on a median of %f against 1.1 is %s', (median, verdict) => {
    expect(judge(tight(median), 1.1)).toBe(verdict)
  })

  test('is noise where the quartiles are far apart, one on each side of the gate', () => {
    expect(judge({ count: 20, median: 1.1, q1: 0.9, q3: 1.4 }, 1.1)).toBe('noisy')
  })

  test('stands where even the worse quartile is good enough', () => {
    expect(judge({ count: 20, median: 0.5, q1: 0.4, q3: 0.7 }, 1.1)).toBe('within')
  })
})
