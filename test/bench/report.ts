// The report of a run, as tables for people or as JSON for tools, and whether the run has passed. Pure.
import type { RunEnvironment } from './environment.ts'
import { type BudgetFigure, type BudgetVerdict, overGate, type PartReport, verdictOf } from './figures.ts'
import { GATE_TOLERANCE, spread } from './measure/statistics.ts'
import { columns, quartilesOf, share } from './told.ts'

/** A whole run. */
export interface RunReport {
  readonly environment: RunEnvironment
  readonly quick: boolean
  readonly parts: readonly PartReport[]
}

/** A quick run has few slices, and runs on machines that others use. */
export const QUICK_TOLERANCE = 0.3

/** With this many slices a quick run says something of what is timed. */
const QUICK_FIGURES_MIN = 4

const WORDS: Record<BudgetVerdict, string> = { met: 'met', missed: 'MISSED', undecided: 'undecided: too noisy' }

/** Exit code: 1 for slices that do not count, and where a budget is gated for one that is surely over it. */
export function exitCodeOf({ parts, quick }: RunReport, gate: boolean): number {
  if (parts.some(({ faults }) => faults.length > 0)) return 1
  if (!gate && !quick) return 0
  const tolerance = quick ? QUICK_TOLERANCE : GATE_TOLERANCE
  return parts.some(({ budgets }) => budgets.some((figure) => overGate(figure, tolerance))) ? 1 : 0
}

/** The verdict of a run on a budget. */
export function verdictIn({ quick }: Pick<RunReport, 'quick'>, figure: BudgetFigure): BudgetVerdict {
  return quick ? verdictOf(figure, QUICK_FIGURES_MIN) : verdictOf(figure)
}

/** The report as JSON, with the verdicts. */
export function reportAsJson(report: RunReport): string {
  const parts = report.parts.map((part) => ({
    ...part,
    budgets: part.budgets.map((figure) => ({ ...figure, verdict: verdictIn(report, figure) })),
  }))
  return JSON.stringify({ ...report, parts }, null, 2)
}

/** The heads of {@link budgetRows}. */
export const BUDGET_HEADS = ['budget', 'what', 'figure', 'quartiles', 'apart', 'slices', 'at most', 'verdict'] as const

/** A row for each budget of a run. */
export function budgetRows(report: RunReport): string[][] {
  return report.parts
    .flatMap(({ budgets }) => budgets)
    .map((figure) => {
      const { id, what, unit, decimals, limit, exact } = figure
      const told =
        exact === true
          ? ['', '', '']
          : [quartilesOf(figure.figure, decimals), share(spread(figure.figure)), String(figure.figure.count)]
      const value = `${figure.figure.median.toFixed(decimals)} ${unit}`.trim()
      return [id, what, value, ...told, limit.toFixed(limit % 1 === 0 ? 0 : 2), WORDS[verdictIn(report, figure)]]
    })
}

/** What a figure means nothing without, a line each. */
export function environmentLines({ environment, quick }: RunReport): string[] {
  const { machine, system, node, natsServer, natsClient, ws, commit, date } = environment
  return [
    `commit ${commit}, ${date}${quick ? ', quick run' : ''}`,
    `${machine}, ${system}`,
    `node ${node}, nats-server ${natsServer}, nats.js ${natsClient}, ws ${ws}`,
  ]
}

/** The report as text. */
export function reportAsText(report: RunReport): string {
  const blocks = report.parts.map((part) => partAsText(part))
  const rows = budgetRows(report)
  const budgets = rows.length === 0 ? [] : [columns([BUDGET_HEADS, ...rows]).join('\n')]
  return [environmentLines(report).join('\n'), ...blocks, ...budgets].join('\n\n')
}

function partAsText({ id, title, tables, notes, faults, skipped }: PartReport): string {
  return [
    `${id}: ${title}`,
    ...tables.flatMap(({ title, rows }) => ['', `  ${title}`, ...columns(rows).map((line) => `    ${line}`)]),
    ...(notes.length === 0 ? [] : ['', ...notes.map((note) => `  ${note}`)]),
    ...skipped.map((what) => `  left out: ${what}`),
    ...faults.map((fault) => `  DOES NOT COUNT: ${fault}`),
  ].join('\n')
}
