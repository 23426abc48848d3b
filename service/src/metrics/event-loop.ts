// How late the event loop is: Node's own histogram, sampled outside JavaScript. Owns the sampling; registry.ts asks at scrape.
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** A sample each 10 ms: Node's default, and fine enough for delays that matter here. */
const SAMPLE_MS = 10

const NANOSECONDS = 1e9

/** The delay of the event loop since the last look, in seconds. */
export interface LoopDelay {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** A running measurement. */
export interface LoopMonitor {
  /** The delay since the last call, which begins a new period. Between two scrapers each sees its own share. */
  take(): LoopDelay
  /** Ends the measurement. */
  stop(): void
}

/** Begins to measure. The timer does not keep the process alive. */
export function startLoopMonitor(): LoopMonitor {
  const histogram = monitorEventLoopDelay({ resolution: SAMPLE_MS })
  histogram.enable()
  // What is recorded is the time between two samples: the wanted pause is taken off.
  const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS - SAMPLE_MS / 1000)
  return {
    take: () => {
      const delay = {
        p50: seconds(histogram.percentile(50)),
        p99: seconds(histogram.percentile(99)),
        max: seconds(histogram.max),
      }
      // The first sample after it only marks the time: a block that begins with a scrape is told short.
      histogram.reset()
      return delay
    },
    stop: () => {
      histogram.disable()
    },
  }
}
