// What the message path knows of tracing: spans that are begun, ended, and carried on. Never names a library, which opentelemetry.ts
// does, nor says whether there is one: start-tracing.ts.

/** Whom a message is for. */
export interface SpanTarget {
  readonly target: 'room' | 'user' | 'session'
  /** Of the room. No other part of a name is told: rooms are called after people and documents, and spans leave the house. */
  readonly namespace?: string
}

/** What a span is about. */
export type SpanStart =
  | (SpanTarget & { readonly kind: 'publish'; readonly stored: boolean })
  | (SpanTarget & { readonly kind: 'fan-out'; readonly offset: number | null; readonly members: number })
  | { readonly kind: 'call'; readonly method: string }

/** A span that has begun. */
export interface Span {
  /** Its context as the header carries it: what comes of it belongs below it. */
  readonly traceparent: string
  /**
   * Ends it, once.
   *
   * @param error - the code of what went wrong; null where nothing did
   * @param offset - where the message was stored
   */
  end(error: string | null, offset?: number): void
}

/** Spans of one gateway. */
export interface Tracing {
  /** Spans that have ended and are not exported yet. */
  readonly waiting: number
  /**
   * Begins a span. Never throws, never waits.
   *
   * @param parent - a checked trace parent; undefined begins a trace, as often as the configuration says
   * @returns null where this trace is not recorded
   */
  begin(start: SpanStart, parent: string | undefined): Span | null
  /** Exports what waits, for a second at most. Called once, when nothing begins any more. */
  close(): Promise<void>
}
