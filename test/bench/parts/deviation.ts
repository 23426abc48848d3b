// How far figures that should be the same are from their middle. Pure.
import type { Summary } from '../measure/statistics.ts'

/**
 * How far the lowest and the highest of some figures are from the middle between them, as a share of it: `±` of a budget. Its quartiles
 * are the least and the most that the quartiles of these two allow.
 *
 * @throws RangeError if there is nothing to compare
 */
export function deviationOf(figures: readonly Summary[]): Summary {
  const sorted = figures.toSorted((a, b) => a.median - b.median)
  const [low] = sorted
  const high = sorted.at(-1)
  if (low === undefined || high === undefined || low === high) throw new RangeError('one figure deviates from nothing')
  return {
    count: Math.min(low.count, high.count),
    median: between(low.median, high.median),
    q1: Math.max(0, between(low.q3, high.q1)),
    q3: between(low.q1, high.q3),
  }
}

function between(low: number, high: number): number {
  return (high - low) / (high + low)
}
