// Ambient powers (environment, time, chance, the console, the process) have one home each in the services; everything else
// takes them as arguments, so that tests can turn the clock and a reader sees what a part depends on.
import type { Offence, Rule } from '../offence.ts'
import { isShipped, lineAt, type SourceFile } from '../source-file.ts'

interface Power {
  readonly of: RegExp
  readonly in: readonly RegExp[]
  readonly why: string
  readonly instead: string
}

const environment = /^service\/src\/config\/environment\.ts$/
const clock = /^service\/src\/clock\.ts$/
const root = /^(gateway\/src\/gateway|router\/src\/router)\.ts$/
/** What a page or a process gives the client library: it has no composition root above it. */
const client = /^client\/src\/ambient\.ts$/
const life = /^service\/src\/process\.ts$/

const powers: readonly Power[] = [
  {
    of: /\bprocess\s*\.\s*env\b/g,
    in: [environment],
    why: 'the environment is read in one place, checked and named',
    instead: 'take the setting as an argument',
  },
  {
    of: /\bconsole\s*\./g,
    in: [],
    why: 'services speak in log lines with fields',
    instead: 'take the log as an argument',
  },
  {
    of: /\bDate\s*\.\s*now\b|\bnew\s+Date\s*\(\s*\)|\bperformance\s*\.\s*now\b|\bprocess\s*\.\s*hrtime\b/g,
    in: [clock, client],
    why: 'time is a dependency',
    instead: 'take a Clock as an argument',
  },
  {
    of: /\bMath\s*\.\s*random\b/g,
    in: [root, client],
    why: 'chance is a dependency',
    instead: 'take a `random` function as an argument, or use node:crypto where guessing must be hard',
  },
  {
    of: /\bprocess\s*\.\s*(?:exit|on|once)\s*\(/g,
    in: [life],
    why: 'signals and the end of the process belong to process.ts',
    instead: 'return, throw, or answer a promise that process.ts waits for',
  },
]

/** Shipped sources use ambient powers only in their homes. */
export const globalHomes: Rule = (files) => files.filter(({ path }) => isShipped(path)).flatMap(judge)

function judge({ path, bare }: SourceFile): Offence[] {
  return powers
    .filter((power) => !power.in.some((home) => home.test(path)))
    .flatMap(({ of, why, instead }) =>
      [...bare.matchAll(of)].map(({ 0: what, index }) => ({ path, line: lineAt(bare, index), what, why, instead })),
    )
}
