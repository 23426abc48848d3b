// What a run has come to: its metrics, its thresholds and whether they held, as JSON and as text. Pure.
import type { Outcome } from './executors.ts'
import type { Metric, Metrics } from './metrics.ts'
import type { ScriptOptions } from './script-options.ts'
import { type Aggregation, holds } from './thresholds.ts'

/** A threshold after the run. */
export interface Judgement {
  readonly metric: string
  readonly threshold: string
  /** Null where the script has no such metric, or it has no such value: that is a failure. */
  readonly value: number | null
  readonly ok: boolean
}

/** A run as JSON tells it. */
export interface Summary {
  readonly script: string
  readonly seconds: number
  readonly passed: boolean
  readonly thresholds: readonly Judgement[]
  readonly metrics: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly iterations: Outcome
  /** What iterations have thrown: all are counted, a few are told. */
  readonly exceptions: { readonly count: number; readonly told: readonly string[] }
}

const PERCENTILES = [90, 95, 99]
const SHOWN: Readonly<Record<Metric['kind'], readonly Aggregation[]>> = {
  counter: ['count', 'rate'],
  gauge: ['value'],
  rate: ['rate'],
  trend: ['avg', 'min', 'med', 'max', ...PERCENTILES.map((percentile) => ({ percentile }))],
}

/** Judges a run. It also fails for exceptions and interrupted iterations: whatever they would have found is missing. */
export function summarise(
  run: Pick<Summary, 'script' | 'seconds' | 'iterations' | 'exceptions'>,
  { thresholds }: ScriptOptions,
  metrics: Metrics,
): Summary {
  const judged = [...thresholds].flatMap(([name, all]) =>
    all.map((threshold): Judgement => {
      const value = metrics.get(name)?.read(threshold.aggregation, run.seconds) ?? null
      return { metric: name, threshold: threshold.source, value, ok: value !== null && holds(threshold, value) }
    }),
  )
  const whole = run.exceptions.count === 0 && run.iterations.interrupted === 0
  return {
    ...run,
    passed: whole && judged.every(({ ok }) => ok),
    thresholds: judged,
    metrics: Object.fromEntries(
      Array.from(metrics.all, (metric) => [metric.name, valuesOf(metric, run.seconds)] as const).sort(([a], [b]) =>
        a < b ? -1 : 1,
      ),
    ),
  }
}

/** The summary for people. */
export function summaryText({ script, seconds, passed, thresholds, metrics, iterations, exceptions }: Summary): string {
  const lines = [
    `${script}: ${passed ? 'held' : 'failed'}, ${seconds.toFixed(1)} s`,
    ...thresholds.map(
      ({ metric, threshold, value, ok }) => `  ${ok ? 'ok  ' : 'FAIL'} ${metric} ${threshold}: ${rounded(value)}`,
    ),
    ...Object.entries(metrics).map(
      ([name, values]) =>
        `  ${name}: ${Object.entries(values)
          .map(([key, value]) => `${key}=${rounded(value)}`)
          .join(' ')}`,
    ),
    `  iterations: ${iterations.iterations} ended, ${iterations.interrupted} interrupted, ${iterations.dropped} dropped`,
    ...exceptions.told.map((what) => `  exception: ${what}`),
  ]
  return `${lines.join('\n')}\n`
}

function valuesOf(metric: Metric, seconds: number): Readonly<Record<string, number>> {
  return Object.fromEntries(
    SHOWN[metric.kind].map((aggregation) => [
      typeof aggregation === 'string' ? aggregation : `p(${aggregation.percentile})`,
      metric.read(aggregation, seconds) ?? 0,
    ]),
  )
}

function rounded(value: number | null): string {
  return value === null ? 'no such value' : String(Math.round(value * 1000) / 1000)
}
