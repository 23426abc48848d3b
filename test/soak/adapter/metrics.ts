// The four kinds of metrics, counted as k6 counts them: a percentile is interpolated between the two samples around it. Owns the samples
// of one run; what must hold of them is thresholds.ts's.
import type { Aggregation } from './thresholds.ts'

/** A kind of metric, as k6 calls it. */
export type MetricKind = 'counter' | 'gauge' | 'rate' | 'trend'

/** A metric of a run. */
export interface Metric {
  readonly name: string
  readonly kind: MetricKind
  /** Whether its values are milliseconds. */
  readonly isTime: boolean
  add(value: number | boolean): void
  /**
   * Its value, 0 where there is no sample.
   *
   * @param seconds - for which the run lasts: a counter's rate
   * @returns null where this kind has no such value
   */
  read(aggregation: Aggregation, seconds: number): number | null
  readonly samples: number
}

/** All metrics of a run. */
export interface Metrics {
  /**
   * The metric of this name, made if there is none.
   *
   * @throws TypeError where one of another kind has the name
   */
  metric(name: string, kind: MetricKind, isTime?: boolean): Metric
  get(name: string): Metric | undefined
  readonly all: Iterable<Metric>
}

type Read = Metric['read']
interface Sink {
  add(value: number): void
  readonly read: Read
}

/** Makes an empty set. */
export function createMetrics(): Metrics {
  const metrics = new Map<string, Metric>()
  return {
    metric(name, kind, isTime = false) {
      const known = metrics.get(name)
      if (known !== undefined && known.kind !== kind) throw new TypeError(`${name} is a ${known.kind} already`)
      if (known !== undefined) return known
      const sink = SINKS[kind]()
      let samples = 0
      const made: Metric = {
        name,
        kind,
        isTime,
        add(value) {
          const number = Number(value)
          if (Number.isNaN(number)) throw new TypeError(`${name}: ${value} is no number`)
          samples++
          sink.add(number)
        },
        read: sink.read,
        get samples() {
          return samples
        },
      }
      metrics.set(name, made)
      return made
    },
    get: (name) => metrics.get(name),
    get all() {
      return metrics.values()
    },
  }
}

const SINKS: Readonly<Record<MetricKind, () => Sink>> = { counter, gauge, rate, trend }

function counter(): Sink {
  let count = 0
  return {
    add(value) {
      count += value
    },
    read: (aggregation, seconds) =>
      aggregation === 'count' ? count : aggregation === 'rate' ? (seconds === 0 ? 0 : count / seconds) : null,
  }
}

function gauge(): Sink {
  let value = 0
  return {
    add(next) {
      value = next
    },
    read: (aggregation) => (aggregation === 'value' ? value : null),
  }
}

function rate(): Sink {
  let [hits, total] = [0, 0]
  return {
    add(value) {
      total++
      if (value !== 0) hits++
    },
    read: (aggregation) => (aggregation === 'rate' ? (total === 0 ? 0 : hits / total) : null),
  }
}

function trend(): Sink {
  const values: number[] = []
  let sorted = true
  let sum = 0
  function ordered(): readonly number[] {
    if (!sorted) values.sort((a, b) => a - b)
    sorted = true
    return values
  }
  return {
    add(value) {
      values.push(value)
      sum += value
      sorted = false
    },
    read(aggregation) {
      if (typeof aggregation === 'object') return percentileOf(ordered(), aggregation.percentile / 100)
      switch (aggregation) {
        case 'avg':
          return values.length === 0 ? 0 : sum / values.length
        case 'min':
          return ordered()[0] ?? 0
        case 'max':
          return ordered().at(-1) ?? 0
        case 'med':
          return percentileOf(ordered(), 0.5)
        case 'count':
          return values.length
        default:
          return null
      }
    },
  }
}

/**
 * A percentile of sorted values, as k6 takes it: linear between neighbours.
 *
 * @param share - from 0 to 1
 */
export function percentileOf(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1)
  const below = sorted[Math.floor(place)] ?? 0
  const above = sorted[Math.ceil(place)] ?? below
  return below + (above - below) * (place - Math.floor(place))
}
