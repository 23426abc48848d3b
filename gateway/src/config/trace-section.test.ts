import { describe, expect, test } from 'vitest'
import { configOf, mistakesOf } from './load-from-tables.ts'
import { parseTraceHeaders } from './trace-section.ts'

const traceOf = (env: Record<string, string>, files = {}) => configOf(env, files).trace

describe('the section trace', () => {
  test('is off, and trusts clients', () => {
    expect(traceOf({})).toEqual({ sampleRatio: 0.01, serviceName: 'sluice-gateway', trustClients: true })
  })

  test.each([
    ['0', 0],
    ['1', 1],
    ['0.25', 0.25],
  ])('takes a share of %s', (text, ratio) => {
    expect(traceOf({ SLUICE_TRACE_SAMPLE_RATIO: text }).sampleRatio).toBe(ratio)
  })

  test.each(['1.5', '-0.1', '.5', '1e-3', '50%'])('takes no share of %s', (text) => {
    expect(mistakesOf({ SLUICE_TRACE_SAMPLE_RATIO: text })).toEqual([
      expect.stringContaining('allowed: a number from 0 to 1'),
    ])
  })

  test.each(['collector:4318', 'ftp://collector/v1/traces', 'http://user:word@collector/v1/traces', 'http://'])(
    'takes no collector at %s',
    (endpoint) => {
      expect(mistakesOf({ SLUICE_TRACE_ENDPOINT: endpoint })).toHaveLength(1)
    },
  )

  test('takes headers of a file, and shows neither those nor others in mistakes', () => {
    const files = { '/keys/headers': 'api-key=a%20key,x-tenant=7\n' }
    expect(traceOf({ SLUICE_TRACE_HEADERS_FILE: '/keys/headers' }, files).headers).toBe('api-key=a%20key,x-tenant=7')
    const mistakes = mistakesOf({ SLUICE_TRACE_HEADERS: 'hidden' })
    expect(mistakes).toEqual([expect.stringContaining('SLUICE_TRACE_HEADERS')])
    expect(mistakes[0]).not.toContain('hidden')
  })
})

describe('headers for the collector', () => {
  test('are pairs', () => {
    expect(parseTraceHeaders('')).toEqual({})
    expect(parseTraceHeaders('authorization=Bearer%20a=b==, x-tenant = 7 ,empty=')).toEqual({
      authorization: 'Bearer a=b==',
      'x-tenant': '7',
      empty: '',
    })
  })

  test.each(['a', '=b', 'a b=c', 'a=b,', 'a=%', 'a=%0d%0ab', 'a=é', 'a=%C3%A9'])('are not %s', (text) => {
    expect(mistakesOf({ SLUICE_TRACE_HEADERS: text })).toHaveLength(1)
  })
})
