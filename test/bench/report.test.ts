import { expect, test } from 'vitest'
import type { PatternFigures } from './measure/measure.ts'
import type { Summary } from './measure/statistics.ts'
import { exitCodeOf, type RunReport, reportAsJson, reportAsText, verdictOf } from './report.ts'
import { SCENARIOS } from './scenarios.ts'

const environment = {
  machine: '2 × Some CPU',
  system: 'Linux 6 x64',
  node: '24.0.0',
  natsServer: '2.15.0',
  natsClient: '3.4.0',
  ws: '8.0.0',
  commit: 'abc1234',
}
const scenario = SCENARIOS[0]!
const around = (median: number): Summary => ({ count: 20, median, q1: median * 0.99, q3: median * 1.01 })

function run(ratio: number, faults: string[] = []): RunReport {
  const figures: PatternFigures = {
    scenario,
    pattern: scenario.patterns[0]!,
    unit: around(6.4),
    servers: [
      { name: 'gateway', ratio: around(ratio), micros: around(6.4 * ratio), load: 0.38 },
      { name: 'another', ratio: around(3), micros: around(19), load: 0.4 },
    ],
    sinkLoadMax: 0.2,
    faults,
  }
  return { environment, quick: false, judged: 'gateway', patterns: [figures] }
}

test('a report names the machine, the versions and the commit', () => {
  const text = reportAsText(run(1))
  for (const part of Object.values(environment)) expect(text).toContain(part)
})

test('a report shows each server with its multiple of U, and the budget of the one that has it', () => {
  const text = reportAsText(run(1.05))
  expect(text).toMatch(/gateway +1\.050 +1\.0\d\d–1\.06\d +6\.72 +20 +38 % +≤ 1\.10/)
  expect(text).toMatch(/another +3\.000 .*40 %$/m)
  expect(text).toContain('gateway: within budget')
})

test('a budget that is exceeded fails the gate, and nothing else', () => {
  expect(exitCodeOf(run(1.2), true)).toBe(0)
  expect(exitCodeOf(run(1.3), true)).toBe(1)
  expect(exitCodeOf(run(1.3), false)).toBe(0)
})

test('a slice that does not count is told, and fails every run', () => {
  const faulty = run(1, ['gateway: received 399 of 400'])
  expect(reportAsText(faulty)).toContain('DOES NOT COUNT: gateway: received 399 of 400')
  expect(exitCodeOf(faulty, false)).toBe(1)
})

test('a server without figures passes no gate', () => {
  const none = { ...run(1), judged: 'nobody' }
  expect(verdictOf(none.patterns[0]!, 'nobody')).toBeNull()
  expect(exitCodeOf(none, true)).toBe(1)
})

test('JSON carries the verdict', () => {
  expect(JSON.parse(reportAsJson(run(1.3)))).toMatchObject({
    environment,
    patterns: [{ scenario: 'b1', budget: 1.1, verdict: 'over' }],
  })
})
