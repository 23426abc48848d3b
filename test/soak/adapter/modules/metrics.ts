// The module `k6/metrics`: the four kinds, counted by ../metrics.ts. Tags are taken and not kept: nothing is judged by them here, and
// thresholds of tags are refused.
import type { Metric, MetricKind } from '../metrics.ts'
import { metrics } from '../run-context.ts'

type Tags = Readonly<Record<string, string>>

abstract class Custom {
  readonly name: string
  readonly #metric: Metric

  constructor(kind: MetricKind, name: string, isTime = false) {
    this.name = name
    this.#metric = metrics.metric(name, kind, isTime)
  }

  add(value: number | boolean, _tags?: Tags): void {
    this.#metric.add(value)
  }
}

/** A sum. */
export class Counter extends Custom {
  constructor(name: string, isTime?: boolean) {
    super('counter', name, isTime)
  }
}

/** The last value. */
export class Gauge extends Custom {
  constructor(name: string, isTime?: boolean) {
    super('gauge', name, isTime)
  }
}

/** The share of values that are not zero. */
export class Rate extends Custom {
  constructor(name: string, isTime?: boolean) {
    super('rate', name, isTime)
  }
}

/** A distribution. */
export class Trend extends Custom {
  constructor(name: string, isTime?: boolean) {
    super('trend', name, isTime)
  }
}
