import { describe, expect, test } from 'vitest'
import { readOptions } from './script-options.ts'

const STEADY = { executor: 'per-vu-iterations', exec: 'steady', vus: 3, iterations: 1, maxDuration: '1m30s' }

const reading = (scenario: object, others: object = {}) => readOptions({ scenarios: { steady: scenario }, ...others })

describe('scenarios', () => {
  test('of each executor are read, with the defaults of k6', () => {
    expect(reading(STEADY).scenarios).toEqual([
      {
        name: 'steady',
        executor: 'per-vu-iterations',
        exec: 'steady',
        startAfterMs: 0,
        gracefulStopMs: 30_000,
        vus: 3,
        iterations: 1,
        maxDurationMs: 90_000,
      },
    ])
    expect(reading({ executor: 'constant-vus', duration: '10s', startTime: '500ms' }).scenarios).toMatchObject([
      { exec: 'default', vus: 1, durationMs: 10_000, startAfterMs: 500 },
    ])
    const arrivals = { executor: 'constant-arrival-rate', rate: 5, duration: '1h', preAllocatedVUs: 2, maxVUs: 9 }
    expect(reading(arrivals).scenarios).toMatchObject([{ rate: 5, timeUnitMs: 1000, durationMs: 3_600_000, maxVus: 9 }])
  })

  test.each([
    ['an executor that is not offered', { ...STEADY, executor: 'ramping-vus' }, /ramping-vus is not offered/],
    ['a name that every object has', { ...STEADY, executor: 'toString' }, /toString is not offered/],
    ['a key of another executor', { ...STEADY, rate: 5 }, /rate is not offered/],
    ['an option of k6 that would change what is run', { ...STEADY, env: {} }, /env is not offered/],
    ['a duration that is none', { ...STEADY, maxDuration: '1 minute' }, /is no duration/],
    ['no users', { ...STEADY, vus: 0 }, /whole number from 1/],
    ['no duration', { executor: 'constant-vus' }, /is no duration/],
  ])('with %s are refused', (_, scenario, why) => {
    expect(() => reading(scenario)).toThrow(why)
  })

  test('are needed', () => {
    expect(() => readOptions({ scenarios: {} })).toThrow(/names none/)
    expect(() => readOptions(undefined)).toThrow(/no object/)
  })
})

describe('options', () => {
  test('that are not offered are refused, not ignored', () => {
    expect(() => reading(STEADY, { vus: 5 })).toThrow(/vus is not offered/)
    expect(() => reading(STEADY, { stages: [] })).toThrow(/stages is not offered/)
  })

  test('have thresholds by metric, but none of tags', () => {
    const { thresholds } = reading(STEADY, { thresholds: { lost: ['count==0'], ms: ['p(95)<5', 'max<9'] } })
    expect([...thresholds].map(([name, all]) => [name, all.length])).toEqual([
      ['lost', 1],
      ['ms', 2],
    ])
    expect(() => reading(STEADY, { thresholds: { 'lost{room:a}': ['count==0'] } })).toThrow(/of tags/)
    expect(() => reading(STEADY, { thresholds: { lost: 'count==0' } })).toThrow(/are a list/)
  })
})
