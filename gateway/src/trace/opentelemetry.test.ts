import { createLogger } from '@sluice/service/log'
import { Tally } from '@sluice/service/metrics/tally'
import { describe, expect, test } from 'vitest'
import { configOf } from '../config/load-from-tables.ts'
import { createTracing } from './opentelemetry.ts'
import { startTracing } from './start-tracing.ts'
import type { SpanStart } from './tracing.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const START: SpanStart = { kind: 'publish', target: 'user', stored: false }
const log = createLogger({ level: 'silent', pretty: false, name: 'gw', destination: { write: () => undefined } })

/** Nothing is sent before a span has ended, so nobody needs to be there. */
function build(sampleRatio: number) {
  const { trace } = configOf({ SLUICE_TRACE_SAMPLE_RATIO: `${sampleRatio}` })
  return createTracing({
    trace,
    endpoint: 'http://127.0.0.1:9/v1/traces',
    log,
    counters: { traceSpans: new Tally() },
    gateway: 'gw',
    version: '0.0.0',
  })
}

const parent = (flags: string): string => `00-${TRACE}-b7ad6b7169203331-${flags}`

describe('a trace that is named', () => {
  test.each(['01', '03', 'ff'])('is recorded with the flags %s, whatever the share', (flags) => {
    const traceparent = build(0).begin(START, parent(flags))?.traceparent
    expect(traceparent).toMatch(new RegExp(`^00-${TRACE}-(?!b7ad6b7169203331)[0-9a-f]{16}-01$`))
  })

  test.each(['00', '02', 'fe'])('is not recorded with the flags %s, whatever the share', (flags) => {
    expect(build(1).begin(START, parent(flags))).toBeNull()
  })
})

describe('a trace that begins here', () => {
  test('is recorded as often as the share says', () => {
    const count = (ratio: number): number => {
      const tracing = build(ratio)
      return Array.from({ length: 2000 }, () => tracing.begin(START, undefined)).filter((span) => span !== null).length
    }
    expect(count(0)).toBe(0)
    expect(count(1)).toBe(2000)
    expect(count(0.5)).toBeGreaterThan(800)
    expect(count(0.5)).toBeLessThan(1200)
  })

  test('is one of its own', () => {
    const tracing = build(1)
    const traces = Array.from({ length: 100 }, () => tracing.begin(START, undefined)?.traceparent.slice(3, 35))
    expect(new Set(traces).size).toBe(100)
  })
})

test('nothing is traced without an endpoint', async () => {
  const options = { log, counters: { traceSpans: new Tally() }, gateway: 'gw', version: '0.0.0' }
  expect(await startTracing({ ...options, trace: configOf({ SLUICE_TRACE_SAMPLE_RATIO: '1' }).trace })).toBeNull()
})
