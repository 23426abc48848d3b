import { describe, expect, test } from 'vitest'
import { jsonCodec } from './json-codec.ts'
import { DATA_DEPTH_MAX } from './limits.ts'

const decode = (text: string) => jsonCodec.decodeClient(Buffer.from(text))
const payloadOf = (text: string) => {
  const parsed = decode(text)
  return parsed.ok && parsed.frame.payload ? Buffer.from(parsed.frame.payload.bytes).toString() : null
}
const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`

describe('a JSON frame', () => {
  test.each([
    '{"a": [1.50, 1E400, 12345678901234567890]}',
    '"\\u00e9\\ud800"',
    'null',
    '0',
    '""',
    '{"__proto__":{"a":1}}',
    '"é😀"',
  ])('hands on the data %s as it was written [P-8.2]', (data) => {
    expect(payloadOf(`{"type":"publish","room":"é", "data" : ${data} }`)).toBe(data)
    expect(payloadOf(`{"type":"publish","room":"a", "data" : ${data} }`)).toBe(data)
  })

  test('hands on the last of two data, as its parsed value is', () => {
    expect(payloadOf('{"data":1,"type":"publish","room":"a","data":2}')).toBe('2')
  })

  test('carries no data that is nested too deep, and says so to the request [P-8.5]', () => {
    const frame = (levels: number) => `{"type":"publish","id":7,"room":"a","data":${nested(levels)}}`
    expect(payloadOf(frame(DATA_DEPTH_MAX))).toBe(nested(DATA_DEPTH_MAX))
    expect(decode(frame(DATA_DEPTH_MAX + 1))).toMatchObject({ reason: 'malformed', id: 7 })
    expect(decode(frame(100_000))).toMatchObject({ reason: 'malformed', id: 7 })
  })

  test('may be as deep as it likes where nobody looks', () => {
    expect(decode(`{"type":"ping","later":${nested(100_000)}}`)).toEqual({ ok: true, frame: { type: 'ping' } })
  })

  test.each([
    ['with a byte order mark', Buffer.from('\ufeff{"type":"ping"}')],
    ['that is no UTF-8', Buffer.from('7b2274797065223a22ff227d', 'hex')],
    ['that is empty', Buffer.alloc(0)],
    ['that is a text', Buffer.from('hello')],
    ['with something behind it', Buffer.from('{"type":"ping"}{}')],
  ])('%s is malformed', (_, bytes) => {
    expect(jsonCodec.decodeClient(bytes)).toMatchObject({ ok: false, reason: 'malformed' })
    expect(jsonCodec.decodeServer(bytes)).toBeNull()
  })

  test('of a gateway with bytes that are no base64 is ignored', () => {
    expect(jsonCodec.decodeServer(Buffer.from('{"type":"message","room":"a","bytes":"?"}'))).toBeNull()
    expect(jsonCodec.decodeServer(Buffer.from('{"type":"message","room":"a","bytes":7}'))).toBeNull()
  })
})
