// A vitest reporter for people and scripts that read one line: after vitest's own summary it names each skipped test with
// its reason and ends the run with `N passed, N failed`, counted from vitest's results. It judges nothing: .ci/run does.
import type { Reporter, TestModule, Vitest } from 'vitest/node'

/** What the reporter needs of a test: vitest's `TestCase` is one. */
export interface CountedCase {
  readonly fullName: string
  result(): { readonly state: string; readonly note?: string | undefined }
}

/** What the reporter needs of a suite or a file: vitest's `TestSuite` and `TestModule` are such. */
export interface CountedGroup {
  errors(): readonly unknown[]
}

/** What the reporter needs of a test file: vitest's `TestModule` is one. */
export interface CountedModule extends CountedGroup {
  readonly relativeModuleId: string
  readonly children: { allTests(): Iterable<CountedCase>; allSuites(): Iterable<CountedGroup> }
}

/** The result of a run. */
export interface Outcome {
  readonly passed: number
  /** Failed tests, and faults outside of a test: a file that does not load, a hook that throws, a promise that nobody caught. */
  readonly failed: number
  readonly skipped: readonly { readonly test: string; readonly reason: string }[]
}

/**
 * Counts a run.
 *
 * @param modules - the test files that ran
 * @param strayErrors - errors that belong to no test
 */
export function countOutcome(modules: Iterable<CountedModule>, strayErrors: number): Outcome {
  let passed = 0
  let failed = strayErrors
  const skipped: { test: string; reason: string }[] = []
  for (const module of modules) {
    failed += module.errors().length
    for (const suite of module.children.allSuites()) failed += suite.errors().length
    for (const test of module.children.allTests()) {
      const { state, note } = test.result()
      if (state === 'passed') passed++
      else if (state === 'skipped') {
        skipped.push({ test: `${module.relativeModuleId} > ${test.fullName}`, reason: note ?? 'no reason given' })
      } else failed++ // A test that is still pending when the run ends was cut off.
    }
  }
  return { passed, failed, skipped }
}

/** The one line: `N passed, N failed`, and `, N skipped` if there are any. */
export function plainLine({ passed, failed, skipped }: Outcome): string {
  const line = `${passed} passed, ${failed} failed`
  return skipped.length === 0 ? line : `${line}, ${skipped.length} skipped`
}

/** Prints the skipped tests and the plain line when a run ends, after everything else that vitest prints. */
export class PlainLine implements Reporter {
  #vitest: Vitest | undefined
  #line: string | undefined

  /** Called by vitest once, before the first run. */
  onInit(vitest: Vitest): void {
    this.#vitest = vitest
    // Without a finished run there is no line: whoever waits for it sees that something broke.
    process.once('exit', () => {
      if (this.#line !== undefined) process.stdout.write(`${this.#line}\n`)
    })
  }

  /** Called by vitest at the end of a run. */
  onTestRunEnd(modules: readonly TestModule[], strayErrors: readonly unknown[]): void {
    const outcome = countOutcome(modules, strayErrors.length)
    // With a name filter (`-t`) everything else is skipped, and saying so for each would drown the one that ran.
    const filtered = this.#vitest?.config.testNamePattern !== undefined
    if (!filtered) {
      for (const { test, reason } of outcome.skipped) process.stdout.write(`skipped: ${test}: ${reason}\n`)
    }
    this.#line = plainLine(outcome)
  }
}
