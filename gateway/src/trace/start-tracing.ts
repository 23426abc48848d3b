// Whether anything of tracing is loaded at all: only where a collector is configured. Called by the composition root, before anything can
// be traced.
import type { OpenTelemetryOptions } from './opentelemetry.ts'
import type { Tracing } from './tracing.ts'

/** See {@link startTracing}. */
export type TracingOptions = Omit<OpenTelemetryOptions, 'endpoint'>

/**
 * Begins to trace.
 *
 * @returns null where no endpoint is configured: then nothing of the library is loaded
 */
export async function startTracing(options: TracingOptions): Promise<Tracing | null> {
  const { endpoint } = options.trace
  if (endpoint === undefined) return null
  const { createTracing } = await import('./opentelemetry.ts')
  return createTracing({ ...options, endpoint })
}
