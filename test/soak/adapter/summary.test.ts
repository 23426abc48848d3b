import { expect, test } from 'vitest'
import { createMetrics } from './metrics.ts'
import { readOptions } from './script-options.ts'
import { summarise, summaryText } from './summary.ts'

const RUN = {
  script: 'steady',
  seconds: 2,
  iterations: { iterations: 1, interrupted: 0, dropped: 0 },
  exceptions: { count: 0, told: [] },
}
const OPTIONS = readOptions({
  scenarios: { s: { executor: 'constant-vus', duration: '1s' } },
  thresholds: { lost: ['count==0'] },
})

function metricsWith(lost: number) {
  const metrics = createMetrics()
  metrics.metric('lost', 'counter').add(lost)
  return metrics
}

test('a run has passed if its thresholds held', () => {
  expect(summarise(RUN, OPTIONS, metricsWith(0))).toMatchObject({
    passed: true,
    thresholds: [{ metric: 'lost', threshold: 'count==0', value: 0, ok: true }],
    metrics: { lost: { count: 0, rate: 0 } },
  })
  const failed = summarise(RUN, OPTIONS, metricsWith(1))
  expect(failed).toMatchObject({ passed: false, thresholds: [{ value: 1, ok: false }] })
  expect(summaryText(failed)).toContain('FAIL lost count==0: 1')
})

test('a threshold of a metric that is not there has not held', () => {
  expect(summarise(RUN, OPTIONS, createMetrics())).toMatchObject({
    passed: false,
    thresholds: [{ value: null, ok: false }],
  })
})

test('an exception or an interrupted iteration fails a run whose thresholds held', () => {
  const thrown = { ...RUN, exceptions: { count: 1, told: ['Error: x'] } }
  expect(summarise(thrown, OPTIONS, metricsWith(0)).passed).toBe(false)
  const cut = { ...RUN, iterations: { iterations: 0, interrupted: 1, dropped: 0 } }
  expect(summarise(cut, OPTIONS, metricsWith(0)).passed).toBe(false)
})
