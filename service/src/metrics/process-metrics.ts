// The metrics that every tier has, because every process has them: what runs, the delay of the event loop, memory, CPU, files.
import type { LoopDelay } from './event-loop.ts'
import { type Metric, metricForms, plainMetric } from './metric.ts'
import type { ProcessUsage } from './process-usage.ts'

/** What runs. */
export interface Build {
  readonly version: string
  readonly node: string
  /** Major version of the client protocol. */
  readonly protocol: number
}

/** One look at the process; a tier adds what it counts itself. */
export interface ProcessSample {
  readonly loop: LoopDelay
  readonly usage: ProcessUsage
  readonly build: Build
}

/** @param prefix - what the names begin with, such as `sluice_gateway_`; names of the field's own have none */
export function processMetrics(prefix: string): readonly Metric<ProcessSample>[] {
  return [...runtimeMetrics(prefix), ...commonMetrics]
}

function runtimeMetrics(prefix: string): readonly Metric<ProcessSample>[] {
  const { gauge } = metricForms<ProcessSample>(prefix)
  return [
    gauge(
      'event_loop_delay_p50_seconds',
      'Delay of the event loop since the last scrape, median.',
      ({ loop }) => loop.p50,
    ),
    gauge(
      'event_loop_delay_p99_seconds',
      'Delay of the event loop since the last scrape, 99th percentile.',
      ({ loop }) => loop.p99,
    ),
    gauge(
      'event_loop_delay_max_seconds',
      'Delay of the event loop since the last scrape, worst.',
      ({ loop }) => loop.max,
    ),
    gauge('heap_used_bytes', 'Used part of the heap of V8.', ({ usage }) => usage.heapUsedBytes),
    gauge(
      'heap_limit_bytes',
      'What old objects may fill of the heap of V8; the process ends when they do.',
      ({ usage }) => usage.heapLimitBytes,
    ),
    gauge(
      'external_bytes',
      'Memory outside of the heap that JavaScript objects hold, such as buffers.',
      ({ usage }) => usage.externalBytes,
    ),
    {
      name: `${prefix}build_info`,
      type: 'gauge',
      labels: ['version', 'node', 'protocol'],
      help: 'Always 1; the labels say what runs.',
      read: ({ build: { version, node, protocol } }) => [{ labels: { version, node, protocol }, value: 1 }],
    },
  ]
}

/** The names that every client library of Prometheus gives to these, so that common dashboards and alerts find them. */
const commonMetrics: readonly Metric<ProcessSample>[] = [
  plainMetric(
    'counter',
    'process_cpu_seconds_total',
    'CPU time of the process, user and system.',
    ({ usage }) => usage.cpuSeconds,
  ),
  plainMetric(
    'gauge',
    'process_resident_memory_bytes',
    'Resident memory of the process.',
    ({ usage }) => usage.residentBytes,
  ),
  plainMetric(
    'gauge',
    'process_open_fds',
    'Open file descriptors; sockets are among them. Linux only.',
    ({ usage }) => usage.openFiles,
  ),
  plainMetric(
    'gauge',
    'process_max_fds',
    'Limit of open file descriptors. Linux only.',
    ({ usage }) => usage.openFilesMax,
  ),
  plainMetric(
    'gauge',
    'process_start_time_seconds',
    'Start of the process, in Unix time.',
    ({ usage }) => usage.startSeconds,
  ),
]
