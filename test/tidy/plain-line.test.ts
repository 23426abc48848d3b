import { describe, expect, test } from 'vitest'
import { type CountedModule, countOutcome, plainLine } from './plain-line.ts'

function moduleOf(
  states: readonly string[],
  faults: { file?: number; suite?: number; note?: string } = {},
): CountedModule {
  return {
    relativeModuleId: 'a.test.ts',
    errors: () => Array.from({ length: faults.file ?? 0 }, () => new Error('file')),
    children: {
      allTests: () =>
        states.map((state, at) => ({ fullName: `test ${at}`, result: () => ({ state, note: faults.note }) })),
      allSuites: () => [{ errors: () => Array.from({ length: faults.suite ?? 0 }, () => new Error('suite')) }],
    },
  }
}

describe('the plain line', () => {
  test('counts what passed and failed over all files', () => {
    const outcome = countOutcome([moduleOf(['passed', 'passed']), moduleOf(['failed', 'passed'])], 0)
    expect(plainLine(outcome)).toBe('3 passed, 1 failed')
  })

  test('names skipped tests with the reason they gave', () => {
    const outcome = countOutcome([moduleOf(['skipped', 'passed'], { note: 'no Chromium here' })], 0)
    expect(plainLine(outcome)).toBe('1 passed, 0 failed, 1 skipped')
    expect(outcome.skipped).toEqual([{ test: 'a.test.ts > test 0', reason: 'no Chromium here' }])
  })

  test('counts faults outside of tests as failures', () => {
    const outcome = countOutcome([moduleOf([], { file: 1 }), moduleOf(['passed'], { suite: 1 })], 1)
    expect(plainLine(outcome)).toBe('1 passed, 3 failed')
  })

  test('counts a test that was cut off as a failure', () => {
    expect(plainLine(countOutcome([moduleOf(['pending'])], 0))).toBe('0 passed, 1 failed')
  })

  test('says that nothing ran', () => {
    expect(plainLine(countOutcome([], 0))).toBe('0 passed, 0 failed')
  })
})
