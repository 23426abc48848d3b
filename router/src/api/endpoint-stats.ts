// What each verb has done: read by the services protocol, and by Prometheus.
import type { ErrorCode } from '@sluice/proto'
import { Tally } from '@sluice/service/metrics/tally'

/** What one verb has done. */
export interface EndpointStats {
  readonly requests: number
  /** Answers by their error code, `ok` without one. */
  readonly results: Tally
  readonly lastError: string
  readonly processingMs: number
  /** The slowest answer since this was asked last. */
  takeSlowestMs(): number
  /** An answer was sent. */
  record(tookMs: number, error: { readonly code: ErrorCode; readonly message: string } | null): void
}

/** Statistics of a verb that has done nothing yet. */
export function createEndpointStats(): EndpointStats {
  const results = new Tally(['ok', 'bad_request', 'unavailable', 'rate_limited', 'internal'])
  let slowestMs = 0
  let processingMs = 0
  let lastError = ''
  return {
    results,
    get requests() {
      return results.total
    },
    get lastError() {
      return lastError
    },
    get processingMs() {
      return processingMs
    },
    takeSlowestMs() {
      const slowest = slowestMs
      slowestMs = 0
      return slowest
    },
    record(tookMs, error) {
      results.add(error?.code ?? 'ok')
      processingMs += tookMs
      slowestMs = Math.max(slowestMs, tookMs)
      if (error !== null) lastError = `${error.code}: ${error.message}`
    },
  }
}
