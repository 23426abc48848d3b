import { headers, type Msg } from '@nats-io/transport-node'
import { encodeToken } from '@sluice/proto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type InboundResult, readInbound } from './inbound.ts'

const MAX = 1000

function read(payload: string | Uint8Array, values: Record<string, string> | null = null): InboundResult {
  const built = values === null ? undefined : headers()
  for (const [name, value] of Object.entries(values ?? {})) built?.set(name, value)
  return readInbound({ data: Buffer.from(payload), headers: built } as unknown as Msg, MAX)
}

const BYTES = { 'Content-Type': 'application/octet-stream' }
const NONE = { from: null, session: null, event: null, excludeSession: null, excludeUser: null }

describe('a payload', () => {
  test.each(['null', '0', '"x"', '{"a":1}', '[1,2]', ' {"a" : 1e400}\r\n', '12345678901234567890', '"\\ud800"'])(
    'of JSON is passed on as it is: %j',
    (text) => {
      expect(read(text)).toEqual({ payload: Buffer.from(text), binary: false, ...NONE })
      expect(read(text, { 'Content-Type': 'application/json' })).toMatchObject({ binary: false })
    },
  )

  test.each([new Uint8Array(0), Uint8Array.of(0xff, 0x00), Buffer.from('{')])(
    'of bytes is passed on as it is',
    (bytes) => {
      expect(read(bytes, BYTES)).toEqual({ payload: Buffer.from(bytes), binary: true, ...NONE })
    },
  )

  test.each<[string, string | Uint8Array, string]>([
    ['nothing', '', 'empty'],
    ['no JSON', 'hello', 'not_json'],
    ['half a JSON', '{"a":', 'not_json'],
    ['JSON and more', '{"a":1}x', 'not_json'],
    ['two JSON texts', '1 2', 'not_json'],
    ['white space alone', '  ', 'not_json'],
    ['NaN', 'NaN', 'not_json'],
    ['a byte order mark', '\ufeff{}', 'not_json'],
    ['a NUL behind it', '{}\u0000', 'not_json'],
    ['text that is no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'not_utf8'],
    ['an overlong encoding', Uint8Array.of(0x22, 0xc0, 0x80, 0x22), 'not_utf8'],
    ['an encoded surrogate', Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), 'not_utf8'],
    ['half a character', Uint8Array.of(0x22, 0xe2, 0x82), 'not_utf8'],
    ['nesting beyond the bound', `${'['.repeat(257)}${']'.repeat(257)}`, 'too_deep'],
  ])('of %s is dropped', (_, payload, reason) => {
    expect(read(payload)).toBe(reason)
    expect(read(payload, {})).toBe(reason)
  })

  test('may be nested as deep as the bound', () => {
    expect(read(`${'['.repeat(256)}${']'.repeat(256)}`)).toMatchObject({ binary: false })
  })

  test.each([
    [MAX - 1, false],
    [MAX, false],
    [MAX + 1, true],
  ])('of %i bytes is too large: %s', (bytes, tooLarge) => {
    expect(read(`"${'x'.repeat(bytes - 2)}"`) === 'too_large').toBe(tooLarge)
    expect(read(Buffer.alloc(bytes), BYTES) === 'too_large').toBe(tooLarge)
  })

  test.each(['text/plain', 'application/JSON', 'application/json; charset=utf-8', 'octet-stream'])(
    'of the type %s is dropped',
    (type) => {
      expect(read('{}', { 'Content-Type': type })).toBe('content_type')
    },
  )

  test('that is a view of a larger buffer is read by itself', () => {
    const whole = Buffer.from('xx{"a":1}yy')
    const data = new Uint8Array(whole.buffer, whole.byteOffset + 2, 7)
    expect(readInbound({ data, headers: undefined } as unknown as Msg, MAX)).toMatchObject({ payload: data })
  })
})

describe('the headers', () => {
  test('tell who sent it, its event, and whom it is not for', () => {
    expect(
      read('1', {
        'Sluice-From': encodeToken('a b'),
        'Sluice-Session': 'gw=2E1',
        'Sluice-Event': 'a.b',
        'Sluice-Exclude-Session': 'gw=2E2',
        'Sluice-Exclude-User': 'bob',
      }),
    ).toEqual({
      payload: Buffer.from('1'),
      binary: false,
      from: 'a b',
      session: 'gw.1',
      event: 'a.b',
      excludeSession: 'gw.2',
      excludeUser: 'bob',
    })
  })

  test('bring any name back as it was', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(name, (from) => {
        expect(read('1', { 'Sluice-From': encodeToken(from) })).toMatchObject({ from })
      }),
    )
  })

  test('that are empty are as if they were not there', () => {
    expect(read('1', { 'Sluice-From': '', 'Sluice-Event': '' })).toMatchObject(NONE)
  })

  test('that we do not know are ignored, also in other cases', () => {
    expect(read('1', { 'X-Other': 'x', 'sluice-from': 'bob', traceparent: '00-1-2-3' })).toMatchObject(NONE)
  })

  test.each([
    ['Sluice-From', 'a b'],
    ['Sluice-From', '=41'],
    ['Sluice-From', '=2e'],
    ['Sluice-From', '=FF'],
    ['Sluice-From', 'a.b'],
    ['Sluice-From', 'x'.repeat(385)],
    ['Sluice-Session', 'gw.1'],
    ['Sluice-Exclude-Session', '*'],
    ['Sluice-Exclude-User', '>'],
    ['Sluice-Event', 'a b'],
    ['Sluice-Event', 'x'.repeat(65)],
    ['Sluice-Event', 'a"b'],
  ])('of %s: %s drop the message', (name, value) => {
    expect(read('1', { [name]: value })).toBe('bad_header')
  })

  test('may be as long as a name', () => {
    expect(read('1', { 'Sluice-From': 'x'.repeat(384), 'Sluice-Event': 'x'.repeat(64) })).toMatchObject({
      binary: false,
    })
  })
})
