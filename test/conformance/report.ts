// What a run has shown, as text: one line for each clause, the reasons behind it, and a summary. Decides nothing but the exit code.
import { LEFT_OUT, UNOBSERVABLE } from './clauses.ts'
import type { Outcome, Result } from './suite.ts'

/** How a clause stands after all of its checks. */
export interface ClauseResult {
  readonly clause: string
  readonly kind: Outcome['kind'] | 'not observable' | 'not checked'
  /** Lines that say why, for people. */
  readonly details: readonly string[]
}

/** From bad to good: a clause stands as the worst of its checks, but is not run or not offered only as a whole. */
const WORST_FIRST = ['failed', 'passed', 'not offered', 'not run'] as const

/** The standing of each clause, in their order. */
export function clauseResults(results: readonly Result[], clauses: readonly string[]): ClauseResult[] {
  return clauses.map((clause) => {
    const own = results.filter(({ check }) => check.clauses.includes(clause))
    const kind = WORST_FIRST.find((candidate) => own.some(({ outcome }) => outcome.kind === candidate))
    if (kind === undefined) {
      const reason = UNOBSERVABLE[clause]
      return reason === undefined
        ? { clause, kind: 'not checked', details: [] }
        : { clause, kind: 'not observable', details: [reason] }
    }
    // What could not be tried is told of a clause that passed as well: it may be the more interesting half.
    const told = own.filter(({ outcome }) => outcome.kind === kind || outcome.kind === 'not run')
    const details = told.flatMap((result) =>
      detailsOf(result).map((line) => (result.outcome.kind === kind ? line : `not run: ${line}`)),
    )
    return { clause, kind, details: [...new Set(details)] }
  })
}

function detailsOf({ check, encoding, outcome }: Result): string[] {
  switch (outcome.kind) {
    case 'passed':
      return []
    case 'failed':
      return [`${check.name} (${encoding}): expected ${outcome.expected}, came ${outcome.came}`]
    case 'not offered':
      return [`\`welcome\` does not name ${outcome.features.join(', ')}`]
    case 'not run':
      return [`${check.name}: ${outcome.reason}`]
  }
}

/** The whole report. `verbose` also tells what checks leave out. */
export function reportText(results: readonly Result[], clauses: readonly string[], verbose: boolean): string {
  const all = clauseResults(results, clauses)
  const lines = all.flatMap(({ clause, kind, details }) => {
    const shown = kind === 'passed' && !verbose ? [] : details
    const [first, ...others] = shown
    const one = shown.length === 1 && kind !== 'failed' && kind !== 'passed'
    const head = `[P-${clause}] ${kind}${one ? `: ${first}` : ''}`
    const left = LEFT_OUT[clause]
    const notes = verbose && left !== undefined ? [`  left out: ${left}`] : []
    return [head, ...(one || first === undefined ? [] : [first, ...others].map((line) => `  ${line}`)), ...notes]
  })
  const count = (kind: ClauseResult['kind']): number => all.filter((result) => result.kind === kind).length
  const kinds = ['passed', 'failed', 'not offered', 'not run', 'not observable', 'not checked'] as const
  const summary = kinds.filter((kind) => count(kind) > 0).map((kind) => `${count(kind)} ${kind}`)
  return [...lines, '', `${all.length} clauses: ${summary.join(', ')}`].join('\n')
}

/** 1 if any check failed. */
export function exitCodeOf(results: readonly Result[]): 0 | 1 {
  return results.some(({ outcome }) => outcome.kind === 'failed') ? 1 : 0
}
