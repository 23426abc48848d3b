// What a broken rule says: where, what, why, and what to do instead. Every rule answers with a list of these.
import type { SourceFile } from './source-file.ts'

/** One place that breaks a rule. */
export interface Offence {
  readonly path: string
  /** From 1. */
  readonly line: number
  readonly what: string
  readonly why: string
  readonly instead: string
}

/** A rule: a pure function over the repository's files that finds what breaks it. */
export type Rule = (files: readonly SourceFile[]) => Offence[]

/** One line for each offence, `path:line: what: why. Instead: …`, so that editors can jump to it. */
export function formatOffences(offences: readonly Offence[]): string {
  return offences
    .map(({ path, line, what, why, instead }) => `${path}:${line}: ${what}: ${why}. Instead: ${instead}.`)
    .join('\n')
}
