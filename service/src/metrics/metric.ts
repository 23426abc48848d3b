// What a metric is, generic over the sample that a process is read into, and the few forms that all of ours have. A tier's table
// is made of these; names follow the field's conventions. Never counts anything.
import type { Tally } from './tally.ts'

/** One number with its labels. */
export interface Reading {
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

/** One metric. */
export interface Metric<Sample> {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly labels: readonly string[]
  readonly help: string
  read(sample: Sample): readonly Reading[]
}

/** Makes the metrics of one tier. */
export interface MetricForms<Sample> {
  /** A number that only grows: `<prefix><name>_total`. */
  counter(name: string, help: string, read: (sample: Sample) => number): Metric<Sample>
  /** A number of the moment: `<prefix><name>`. */
  gauge(name: string, help: string, read: (sample: Sample) => number): Metric<Sample>
  /** A counter for each kind of a tally, the kind as label. */
  tally(name: string, label: string, help: string, read: (sample: Sample) => Tally): Metric<Sample>
}

/** @param prefix - what the names begin with, such as `sluice_gateway_` */
export function metricForms<Sample>(prefix: string): MetricForms<Sample> {
  return {
    counter: (name, help, read) => plainMetric('counter', `${prefix}${name}_total`, help, read),
    gauge: (name, help, read) => plainMetric('gauge', `${prefix}${name}`, help, read),
    tally: (name, label, help, read) => ({
      name: `${prefix}${name}_total`,
      type: 'counter',
      labels: [label],
      help,
      read: (sample) => Array.from(read(sample).entries(), ([kind, value]) => ({ labels: { [label]: kind }, value })),
    }),
  }
}

/**
 * A metric without labels, by its whole name.
 *
 * @param read - null where the platform does not say: the metric is absent then
 */
export function plainMetric<Sample>(
  type: Metric<Sample>['type'],
  name: string,
  help: string,
  read: (sample: Sample) => number | null,
): Metric<Sample> {
  return {
    name,
    type,
    labels: [],
    help,
    read: (sample) => {
      const value = read(sample)
      return value === null ? [] : [{ labels: {}, value }]
    },
  }
}
