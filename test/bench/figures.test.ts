import { describe, expect, test } from 'vitest'
import { type BudgetFigure, exactly, overGate, verdictOf } from './figures.ts'
import type { Summary } from './measure/statistics.ts'
import { deviationOf } from './parts/deviation.ts'

const timed = (figure: Summary): BudgetFigure => ({ id: 'B0', what: '', unit: '', figure, limit: 1, decimals: 2 })
const apart = (q1: number, median: number, q3: number, count = 20): Summary => ({ count, median, q1, q3 })

describe('a budget', () => {
  test.each([
    ['met', apart(0.95, 0.98, 1.01)],
    ['missed', apart(1.0, 1.02, 1.05)],
    ['undecided', apart(0.8, 0.98, 1.2)],
    ['undecided', apart(0.8, 1.02, 1.2)],
    ['met', apart(0.5, 0.7, 0.9)],
    ['missed', apart(1.1, 1.5, 2)],
  ])('is %s by %o', (verdict, figure) => {
    expect(verdictOf(timed(figure))).toBe(verdict)
  })

  test('is undecided by too few slices, however good they are', () => {
    expect(verdictOf(timed(apart(0.5, 0.5, 0.5, 19)))).toBe('undecided')
    expect(verdictOf(timed(apart(0.5, 0.5, 0.5, 4)), 4)).toBe('met')
  })

  test('of a count is decided by that count, at its limit', () => {
    expect(verdictOf({ ...timed(exactly(1)), exact: true })).toBe('met')
    expect(verdictOf({ ...timed(exactly(1.01)), exact: true })).toBe('missed')
    expect(verdictOf({ ...timed(exactly(0)), limit: 0, exact: true })).toBe('met')
  })

  test('is neither decided nor gated on a machine that had other work', () => {
    const disturbed = { ...timed(apart(2, 2, 2)), disturbed: true }
    expect(verdictOf(disturbed)).toBe('undecided')
    expect(overGate(disturbed, 0.3)).toBe(false)
  })

  test('is over its gate when even the better quartile is', () => {
    expect(overGate(timed(apart(1.31, 1.4, 1.5)), 0.3)).toBe(true)
    expect(overGate(timed(apart(1.29, 1.4, 1.5)), 0.3)).toBe(false)
  })
})

describe('a deviation', () => {
  const tight = (median: number): Summary => apart(median * 0.99, median, median * 1.01)

  test('is how far the lowest and the highest are from their middle', () => {
    expect(deviationOf([tight(0.85), tight(1), tight(1.15)]).median).toBeCloseTo(0.15)
    expect(deviationOf([tight(1.3), tight(0.7)]).median).toBeCloseTo(0.3)
  })

  test('has its quartiles in order, with the median between them', () => {
    for (const other of [0.8, 1.01, 1.3]) {
      const { q1, median, q3 } = deviationOf([tight(1), tight(other)])
      expect(q1).toBeLessThanOrEqual(median)
      expect(median).toBeLessThanOrEqual(q3)
    }
  })

  test('of one figure is an error', () => {
    expect(() => deviationOf([tight(1)])).toThrow('nothing')
  })
})
