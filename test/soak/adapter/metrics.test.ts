import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMetrics, percentileOf } from './metrics.ts'

describe('a percentile', () => {
  test('is interpolated between the samples around it, as k6 does', () => {
    const values = [10, 20, 30, 40]
    expect(percentileOf(values, 0.5)).toBe(25)
    expect(percentileOf(values, 0.95)).toBeCloseTo(38.5)
    expect([percentileOf(values, 0), percentileOf(values, 1)]).toEqual([10, 40])
  })

  test('of one sample is that sample, of none 0', () => {
    expect([percentileOf([7], 0.99), percentileOf([], 0.99)]).toEqual([7, 0])
  })

  test('lies between its neighbours, and grows with its share', () => {
    const sorted = fc.array(fc.nat(), { minLength: 1 }).map((values) => values.sort((a, b) => a - b))
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    void fc.assert(
      fc.property(sorted, share, share, (values, one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)]
        expect(percentileOf(values, low)).toBeLessThanOrEqual(percentileOf(values, high) + 1e-6)
        expect(percentileOf(values, low)).toBeGreaterThanOrEqual((values[0] ?? 0) - 1e-6)
        expect(percentileOf(values, high)).toBeLessThanOrEqual((values.at(-1) ?? 0) + 1e-6)
      }),
    )
  })
})

describe('a metric', () => {
  test('of each kind has its own values, and no others', () => {
    const metrics = createMetrics()
    const counter = metrics.metric('counter', 'counter')
    for (const value of [1, 2, 0]) counter.add(value)
    expect([counter.read('count', 2), counter.read('rate', 2), counter.read('avg', 2)]).toEqual([3, 1.5, null])
    const gauge = metrics.metric('gauge', 'gauge')
    for (const value of [5, 3]) gauge.add(value)
    expect([gauge.read('value', 1), gauge.read('count', 1)]).toEqual([3, null])
    const rate = metrics.metric('rate', 'rate')
    for (const value of [true, false, true, true]) rate.add(value)
    expect([rate.read('rate', 1), rate.read('max', 1)]).toEqual([0.75, null])
    const trend = metrics.metric('trend', 'trend')
    for (const value of [30, 10, 20]) trend.add(value)
    const read = (['avg', 'min', 'med', 'max', { percentile: 75 }] as const).map((one) => trend.read(one, 1))
    expect(read).toEqual([20, 10, 20, 30, 25])
    expect(trend.read('rate', 1)).toBe(null)
  })

  test('is one under its name, and of one kind', () => {
    const metrics = createMetrics()
    expect(metrics.metric('a', 'rate')).toBe(metrics.metric('a', 'rate'))
    expect(() => metrics.metric('a', 'trend')).toThrow(/is a rate already/)
  })

  test('that was never added to is 0, and what is no number is refused', () => {
    const counter = createMetrics().metric('a', 'counter')
    expect([counter.read('count', 1), counter.samples]).toEqual([0, 0])
    expect(() => counter.add(Number.NaN)).toThrow(TypeError)
  })
})
