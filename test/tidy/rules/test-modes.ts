// A test runs, or says why it cannot: nothing is focused, and nothing is skipped without a reason that the run prints.
import type { Offence, Rule } from '../offence.ts'
import { isTest, lineAt } from '../source-file.ts'

const focused = /\b(?:test|it|describe|suite|bench)(?:\s*\.\s*\w+)*\s*\.\s*only\b/g
const silent = /\b(?:test|it|describe|suite|bench)(?:\s*\.\s*\w+)*\s*\.\s*(?:skip|skipIf|runIf|todo)\b/g
const unexplained = /\bskip\s*\(\s*\)/g

/** No test is focused: the others would not run. */
export const focusedTests: Rule = (files) =>
  find(files, focused, 'the other tests of the file do not run', 'remove `.only` before you commit')

/** No test is skipped in a way that takes no reason. */
export const silentSkips: Rule = (files) => {
  const instead = "call `skip(condition, 'reason')` of the test's context, so that the run can print why"
  return [
    ...find(files, silent, 'a skipped test says why', instead),
    ...find(files, unexplained, 'a skipped test says why', instead),
  ]
}

function find(files: Parameters<Rule>[0], form: RegExp, why: string, instead: string): Offence[] {
  return files
    .filter(({ path }) => isTest(path))
    .flatMap(({ path, bare }) =>
      [...bare.matchAll(form)].map(({ 0: what, index }) => ({ path, line: lineAt(bare, index), what, why, instead })),
    )
}
