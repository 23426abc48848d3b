import { expect, test } from 'vitest'
import { type BudgetFigure, type PartReport, skippedPart } from './figures.ts'
import type { Summary } from './measure/statistics.ts'
import { exitCodeOf, type RunReport, reportAsJson, reportAsText } from './report.ts'
import { resultsPage } from './results-page.ts'

const environment = {
  machine: '2 × Some CPU',
  system: 'Linux 6 x64',
  node: '24.0.0',
  natsServer: '2.15.0',
  natsClient: '3.4.0',
  ws: '8.0.0',
  commit: 'abc1234',
  date: '2026-01-02',
}
const around = (median: number, apart = 0.02): Summary => ({
  count: 20,
  median,
  q1: median * (1 - apart / 2),
  q3: median * (1 + apart / 2),
})

function run(figure: Summary, { faults = [] as string[], quick = false } = {}): RunReport {
  const budget: BudgetFigure = { id: 'B1', what: '1 message', unit: '× U', figure, limit: 1.1, decimals: 3 }
  const part: PartReport = {
    id: 'b1',
    title: 'one room of 400',
    budgets: [budget],
    tables: [
      {
        title: 'U = 6.40 µs',
        rows: [
          ['', '× U'],
          ['gateway', '1.050'],
          ['another | one', '3.000'],
        ],
      },
    ],
    notes: ['How it was taken.'],
    faults,
    skipped: ['Somebody: is not here'],
  }
  return { environment, quick, parts: [part] }
}

test.each([
  ['text', reportAsText],
  ['the page', resultsPage],
])(
  '%s names the machine, the versions, the commit, the day, what was left out and how figures were taken',
  (_, print) => {
    const text = print(run(around(1)))
    for (const part of Object.values(environment)) expect(text).toContain(part)
    expect(text).toContain('Somebody: is not here')
    expect(text).toContain('How it was taken.')
  },
)

test('a budget stands with its figure, quartiles, slices, limit and verdict', () => {
  expect(reportAsText(run(around(1.05)))).toMatch(/B1 +1 message +1\.050 × U +1\.0\d\d–1\.06\d +2 % +20 +1\.10 +met/)
  expect(resultsPage(run(around(1.2)))).toMatch(/\| B1 \| 1 message \| 1\.200 × U \|.*\| 1\.10 \| MISSED \|/)
})

test('a run that is too noisy does not say that a budget is met', () => {
  expect(reportAsText(run(around(1.09, 0.3)))).toContain('undecided: too noisy')
})

test('a bar in a cell does not break the page’s tables', () => {
  expect(resultsPage(run(around(1)))).toContain('| another \\| one | 3.000 |')
})

test('a budget that is surely exceeded fails the gate, and nothing else', () => {
  expect(exitCodeOf(run(around(1.2)), true)).toBe(0)
  expect(exitCodeOf(run(around(1.3)), true)).toBe(1)
  expect(exitCodeOf(run(around(1.3)), false)).toBe(0)
})

test('a quick run gates at 30 %, and not on what noise may have done', () => {
  expect(exitCodeOf(run(around(1.4), { quick: true }), false)).toBe(0)
  expect(exitCodeOf(run(around(1.5), { quick: true }), false)).toBe(1)
  expect(exitCodeOf(run(around(1.5, 0.6), { quick: true }), false)).toBe(0)
})

test('a slice that does not count is told, and fails every run', () => {
  const faulty = run(around(1), { faults: ['gateway: received 399 of 400'] })
  expect(reportAsText(faulty)).toContain('DOES NOT COUNT: gateway: received 399 of 400')
  expect(resultsPage(faulty)).toContain('received 399 of 400')
  expect(exitCodeOf(faulty, false)).toBe(1)
})

test('a part that cannot be run here is named with its reason, and fails nothing', () => {
  const report: RunReport = { environment, quick: false, parts: [skippedPart('latency', 'late', 'no compiler')] }
  expect(resultsPage(report)).toContain('latency: no compiler')
  expect(exitCodeOf(report, true)).toBe(0)
})

test('JSON carries the verdict', () => {
  const missed = { id: 'B1', limit: 1.1, verdict: 'missed' }
  expect(JSON.parse(reportAsJson(run(around(1.3))))).toMatchObject({ environment, parts: [{ budgets: [missed] }] })
})
