// Between spans that have ended and the library's batches: bounds what waits, those under way to the collector included, which the
// library's own queue does not count, and counts what became of each span. Knows no addresses and no time.

import type { SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Tally } from '@sluice/service/metrics/tally'

/** See {@link createSpanGate}. */
export interface SpanGateOptions {
  readonly waitingMax: number
  readonly exporter: SpanExporter
  /** Gathers spans for an exporter; it must be able to hold `waitingMax` of them. */
  readonly batch: (exporter: SpanExporter) => SpanProcessor
  readonly counters: { readonly traceSpans: Tally }
  /** A batch was exported, or was lost for a reason. */
  readonly onExport: (problem: string | null) => void
}

/** A processor that drops what is beyond its bound. */
export interface SpanGate extends SpanProcessor {
  /** Spans that have ended and are not exported yet. */
  readonly waiting: number
}

/** What the library calls when a batch is done with. */
type Done = Parameters<SpanExporter['export']>[1]

/** Makes it. */
export function createSpanGate({ waitingMax, exporter, batch, counters, onExport }: SpanGateOptions): SpanGate {
  let waiting = 0
  let closed = false

  function count(spans: number, error: Error | null): void {
    waiting -= spans
    counters.traceSpans.add(error === null ? 'exported' : 'failed', spans)
    onExport(error === null ? null : problemOf(error))
  }

  const counting: SpanExporter = {
    export(spans, done: Done) {
      exporter.export(spans, (result) => {
        // The library's code for success.
        count(spans.length, result.code === 0 ? null : (result.error ?? new Error('unknown')))
        done(result)
      })
    },
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  }
  const batches = batch(counting)
  return {
    get waiting() {
      return waiting
    },
    onStart: (span, context) => batches.onStart(span, context),
    onEnd(span) {
      if (closed || waiting >= waitingMax) return counters.traceSpans.add('dropped')
      waiting++
      batches.onEnd(span)
    },
    forceFlush: () => batches.forceFlush(),
    shutdown() {
      closed = true
      return batches.shutdown()
    },
  }
}

/** An error of several addresses has no message of its own. */
function problemOf(error: Error & { readonly code?: unknown }): string {
  return error.message === '' ? String(error.code ?? error.name) : error.message
}
