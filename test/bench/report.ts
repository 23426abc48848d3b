// The report of a run, as tables for people or as JSON for tools, and whether the run has passed. Pure.
import type { RunEnvironment } from './environment.ts'
import type { PatternFigures, ServerFigures } from './measure/measure.ts'
import { judge, type Summary, spread, type Verdict } from './measure/statistics.ts'

/** A whole run. */
export interface RunReport {
  readonly environment: RunEnvironment
  readonly quick: boolean
  readonly patterns: readonly PatternFigures[]
  /** The server whose budgets these are. */
  readonly judged: string
}

/** Above this share of a core the sink may have been what was measured. */
const SINK_LOAD_MAX = 0.8

const WORDS: Record<Verdict, string> = {
  within: 'within budget',
  tolerated: 'over budget, within the gate',
  over: 'OVER BUDGET',
  noisy: 'TOO NOISY to tell: run it again on a quiet machine',
}

/** The verdict on a pattern; null if it has no budget, or the judged server no slice that counts. */
export function verdictOf({ servers, pattern }: PatternFigures, judged: string): Verdict | null {
  const figures = servers.find(({ name }) => name === judged)
  return figures === undefined || pattern.budget === null ? null : judge(figures.ratio, pattern.budget)
}

/** Exit code: 1 for slices that don't count; with `gate` also for a budget that is not surely kept. */
export function exitCodeOf({ patterns, judged }: RunReport, gate: boolean): number {
  if (patterns.some(({ faults }) => faults.length > 0)) return 1
  const budgeted = patterns.filter(({ pattern }) => pattern.budget !== null)
  const kept = budgeted.every((figures) => ['within', 'tolerated'].includes(verdictOf(figures, judged) ?? ''))
  return gate && !kept ? 1 : 0
}

/** The report as JSON, with the verdicts. */
export function reportAsJson(report: RunReport): string {
  const { patterns, judged, ...rest } = report
  const told = patterns.map(({ scenario, pattern, ...figures }) => ({
    scenario: scenario.id,
    ...pattern,
    verdict: verdictOf({ scenario, pattern, ...figures }, judged),
    ...figures,
  }))
  return JSON.stringify({ ...rest, patterns: told }, null, 2)
}

/** The report as text. */
export function reportAsText(report: RunReport): string {
  const { environment, patterns, judged, quick } = report
  const { machine, system, node, natsServer, natsClient, ws, commit } = environment
  const head = [
    `commit ${commit}${quick ? ', quick run' : ''}`,
    `${machine}, ${system}`,
    `node ${node}, nats-server ${natsServer}, nats.js ${natsClient}, ws ${ws}`,
    'U: CPU of a server process for one net.Socket.write of a prebuilt frame, in the same run',
  ]
  return [head.join('\n'), ...patterns.map((figures) => patternAsText(figures, judged))].join('\n\n')
}

function patternAsText(figures: PatternFigures, judged: string): string {
  const { scenario, pattern, unit, servers, sinkLoadMax, faults } = figures
  const rows = servers.map((server) => rowOf(server, server.name === judged ? pattern.budget : null))
  const lines = [
    `${scenario.id}: ${scenario.title}, ${pattern.name}: U = ${unit.median.toFixed(2)} µs (${quartiles(unit)})`,
    ...table([['', '× U', 'quartiles', 'µs', 'slices', 'busy', 'budget'], ...rows]),
    `  the sink was busy for ${percent(sinkLoadMax)} at most${sinkLoadMax > SINK_LOAD_MAX ? ': IT MAY BE WHAT WAS MEASURED' : ''}`,
    ...faults.map((fault) => `  A SLICE DOES NOT COUNT: ${fault}`),
  ]
  return [...lines, `  ${judged}: ${conclusion(figures, judged)}`].join('\n')
}

function conclusion(figures: PatternFigures, judged: string): string {
  const own = figures.servers.find(({ name }) => name === judged)
  if (own === undefined) return 'NO FIGURES'
  const verdict = verdictOf(figures, judged)
  return `${verdict === null ? 'no budget' : WORDS[verdict]}, quartiles ${percent(spread(own.ratio))} apart`
}

function rowOf({ name, ratio, micros, load }: ServerFigures, budget: number | null): string[] {
  return [
    name,
    ratio.median.toFixed(3),
    quartiles(ratio),
    micros.median.toFixed(2),
    String(ratio.count),
    percent(load),
    budget === null ? '' : `≤ ${budget.toFixed(2)}`,
  ]
}

function quartiles({ q1, q3 }: Summary): string {
  return `${q1.toFixed(3)}–${q3.toFixed(3)}`
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows.map((row) => {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    )
    return `  ${cells.join('  ')}`.trimEnd()
  })
}
