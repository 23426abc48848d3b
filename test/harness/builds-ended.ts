// Holds a test file back until what .ci/run builds in the background is over: what follows uses it, or measures and wants the machine for itself.
// A build that has failed fails the file, with the end of its log. Without .ci/run there is nothing to wait for; builds nothing itself.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from './until.ts'

/** Where each build writes `<name>.log` from its begin, and `<name>.ended` with its exit code at its end. */
const { SLUICE_TEST_BUILDS: FOLDER = '' } = process.env
/** Ten minutes of building at the lowest priority, on a machine that is twice as slow. */
const BUILDS_MS = 1_200_000
const LOG_LINES = 40

for (const name of FOLDER === '' ? [] : names(FOLDER)) {
  const code = await until(() => exitCode(name), { timeoutMs: BUILDS_MS, everyMs: 250, what: `the end of ${name}` })
  if (code !== '0') throw new Error(`.ci/run could not ${name}; the end of its log:\n${endOfLog(name)}`)
}

function names(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.log'))
    .map((file) => file.replace(/\.log$/, ''))
    .sort()
}

function exitCode(name: string): string {
  return readFileSync(join(FOLDER, `${name}.ended`), 'utf8').trim()
}

function endOfLog(name: string): string {
  return readFileSync(join(FOLDER, `${name}.log`), 'utf8')
    .trimEnd()
    .split('\n')
    .slice(-LOG_LINES)
    .join('\n')
}
