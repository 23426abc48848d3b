import { describe, expect, test } from 'vitest'
import { beginOutgoing } from './outgoing-trace.ts'
import type { Span, SpanStart, Tracing } from './tracing.ts'

const THEIRS = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const OURS = '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01'

function build({ records = true, traces = true, trustClients = true } = {}) {
  const begun: [SpanStart, string | undefined][] = []
  const span: Span = { traceparent: OURS, end: () => undefined }
  const tracing: Tracing = {
    waiting: 0,
    begin(start, parent) {
      begun.push([start, parent])
      return records ? span : null
    },
    close: async () => undefined,
  }
  const headers: [string, string][] = []
  let asked = 0
  const start = (): SpanStart => {
    asked++
    return { kind: 'call', method: 'a' }
  }
  return {
    begun,
    span,
    headers,
    asked: () => asked,
    begin: (traceparent?: string) =>
      beginOutgoing({ tracing: traces ? tracing : null, trustClients }, start, traceparent, headers),
  }
}

describe('what a client sends', () => {
  test('goes on under the span that is recorded of it', () => {
    const { begin, span, headers, begun } = build()
    expect(begin(THEIRS)).toBe(span)
    expect(headers).toEqual([['traceparent', OURS]])
    expect(begun).toEqual([[{ kind: 'call', method: 'a' }, THEIRS]])
  })

  test.each([{ records: false }, { traces: false }])('goes on as it came where none is recorded: %j', (options) => {
    const { begin, headers } = build(options)
    expect(begin(THEIRS)).toBeNull()
    expect(headers).toEqual([['traceparent', THEIRS]])
  })

  test.each([{ records: false }, { traces: false }])('carries none where it had none: %j', (options) => {
    const { begin, headers } = build(options)
    expect(begin()).toBeNull()
    expect(headers).toEqual([])
  })

  test('has what it names dropped where clients are not trusted', () => {
    const recorded = build({ trustClients: false })
    expect(recorded.begin(THEIRS)).toBe(recorded.span)
    expect(recorded.begun).toEqual([[{ kind: 'call', method: 'a' }, undefined]])
    const off = build({ trustClients: false, traces: false })
    expect(off.begin(THEIRS)).toBeNull()
    expect(off.headers).toEqual([])
  })

  test('is not described where nothing is traced', () => {
    const { begin, asked } = build({ traces: false })
    begin(THEIRS)
    expect(asked()).toBe(0)
  })
})
