// What a part of the benchmark brings home: figures with their budgets, tables, notes, faults; and what a budget's figure means. Pure.
import { NOISE_MAX, type Summary, spread } from './measure/statistics.ts'

/** A figure that has a budget. */
export interface BudgetFigure {
  /** As performance.md calls it, such as `B1`. */
  readonly id: string
  readonly what: string
  readonly unit: string
  readonly figure: Summary
  /** The figure may be this at most. */
  readonly limit: number
  /** Decimals that it is told with. */
  readonly decimals: number
  /** Counted and not timed: one run says it, and noise does not change it. */
  readonly exact?: boolean
  /** The machine had other work, as something else in the same run shows: nothing is decided, and nothing gated. */
  readonly disturbed?: boolean
}

/** Rows for people, the first one its heads. */
export interface FigureTable {
  readonly title: string
  readonly rows: readonly (readonly string[])[]
}

/** What a part has shown. */
export interface PartReport {
  readonly id: string
  readonly title: string
  readonly budgets: readonly BudgetFigure[]
  readonly tables: readonly FigureTable[]
  /** How it was measured, as far as a figure's meaning hangs on it. */
  readonly notes: readonly string[]
  /** Why figures do not count: a run with faults fails. */
  readonly faults: readonly string[]
  /** What was left out: `name: reason`. */
  readonly skipped: readonly string[]
}

/** Whether a budget is met. `undecided` is a run that was too noisy, or has too few slices, to say so. */
export type BudgetVerdict = 'met' | 'missed' | 'undecided'

/** With fewer figures nothing that is timed is decided. */
export const FIGURES_MIN = 20

/** A count that one run says. */
export function exactly(value: number): Summary {
  return { count: 1, median: value, q1: value, q3: value }
}

/**
 * Judges a figure. Quartiles far apart leave it undecided, unless both are on one side of the limit.
 *
 * @param figuresMin - how many there must be of one that is timed
 */
export function verdictOf(
  { figure, limit, exact, disturbed }: BudgetFigure,
  figuresMin: number = FIGURES_MIN,
): BudgetVerdict {
  const { count, median, q1, q3 } = figure
  if (exact === true) return median <= limit ? 'met' : 'missed'
  if (count < figuresMin || disturbed === true) return 'undecided'
  if (spread(figure) <= NOISE_MAX) return median <= limit ? 'met' : 'missed'
  if (q3 <= limit) return 'met'
  return q1 > limit ? 'missed' : 'undecided'
}

/** Whether a figure is surely over its limit and this share of it: even its better quartile is, so that a noisy machine fails nothing. */
export function overGate({ figure, limit, disturbed }: BudgetFigure, tolerance: number): boolean {
  return disturbed !== true && figure.q1 > limit * (1 + tolerance)
}

/** A report of a part that could not be run. */
export function skippedPart(id: string, title: string, reason: string): PartReport {
  return { id, title, budgets: [], tables: [], notes: [], faults: [], skipped: [`${id}: ${reason}`] }
}
