// The only home of prom-client: turns a tier's table of metrics into what Prometheus reads. Nothing of it runs between two scrapes.
import { Counter, Gauge, Registry } from 'prom-client'
import type { LoopMonitor } from './event-loop.ts'
import type { Metric } from './metric.ts'
import type { Build, ProcessSample } from './process-metrics.ts'
import { readProcessUsage } from './process-usage.ts'

/** What is told, and where the numbers are read. */
export interface MetricSources<Own extends object> {
  /** Every metric, in the order in which it is told. */
  readonly table: readonly Metric<Own & ProcessSample>[]
  /** What the tier counts and knows itself: its part of each sample, read at the moment of the scrape. */
  readonly own: Own
  readonly build: Build
  readonly loop: LoopMonitor
}

/** What the admin server serves on `/metrics`. */
export interface Metrics {
  /** The `Content-Type` of {@link Metrics.text}. */
  readonly contentType: string
  /** One scrape, in Prometheus' text format. */
  text(): Promise<string>
}

/** Builds the metrics of one process. Called once by the composition root. */
export function createMetrics<Own extends object>({ table, own, build, loop }: MetricSources<Own>): Metrics {
  const registry = new Registry()
  const writers = table.map((metric) => createWriter(metric, registry))
  return {
    contentType: registry.contentType,
    text: async () => {
      const sample = { ...own, build, usage: await readProcessUsage(), loop: loop.take() }
      // All at once, so that another scrape that is being printed never sees half of it.
      for (const write of writers) write(sample)
      return registry.metrics()
    },
  }
}

/** Counters are set, not increased: they are counted elsewhere, and prom-client sets only by reset and inc. */
function createWriter<Sample>(metric: Metric<Sample>, registry: Registry): (sample: Sample) => void {
  const options = { name: metric.name, help: metric.help, labelNames: metric.labels, registers: [registry] }
  const target = metric.type === 'counter' ? new Counter(options) : new Gauge(options)
  return (sample) => {
    target.reset()
    const readings = metric.read(sample)
    // After reset() a metric without labels is 0; one that the platform does not tell is absent instead.
    if (readings.length === 0 && metric.labels.length === 0) target.remove()
    for (const { labels, value } of readings) target.inc(labels, value)
  }
}
