// Which trace a message or a call of a client goes out under: that of a span of ours, else that of the client, else none. Steps 2
// and 3 of the message path.
import { HEADER_TRACE_PARENT } from '@sluice/proto'
import type { Span, SpanStart, Tracing } from './tracing.ts'

/** How traces of clients are dealt with. */
export interface TraceOptions {
  /** Null where nothing is recorded. */
  readonly tracing: Tracing | null
  /** Whether the context that a client names counts, or is dropped. */
  readonly trustClients: boolean
}

/**
 * Begins the span of what a client sends, and writes the header under which it goes on.
 *
 * @param start - asked only where spans are recorded
 * @param traceparent - what the client has named
 * @returns null where no span is recorded
 */
export function beginOutgoing(
  { tracing, trustClients }: TraceOptions,
  start: () => SpanStart,
  traceparent: string | undefined,
  headers: [string, string][],
): Span | null {
  const parent = trustClients ? traceparent : undefined
  const span = tracing === null ? null : tracing.begin(start(), parent)
  const own = span?.traceparent ?? parent
  if (own !== undefined) headers.push([HEADER_TRACE_PARENT, own])
  return span
}
