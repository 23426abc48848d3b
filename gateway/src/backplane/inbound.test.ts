import { headers, type Msg } from '@nats-io/transport-node'
import { encodeToken } from '@sluice/proto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type InboundResult, placeOfCopy, readInbound, readStored } from './inbound.ts'

const MAX = 1000

function read(payload: string | Uint8Array, values: Record<string, string> | null = null): InboundResult {
  const built = values === null ? undefined : headers()
  for (const [name, value] of Object.entries(values ?? {})) built?.set(name, value)
  return readInbound({ data: Buffer.from(payload), headers: built } as unknown as Msg, MAX)
}

const BYTES = { 'Content-Type': 'application/octet-stream' }
const NONE = {
  from: null,
  session: null,
  event: null,
  excludeSession: null,
  excludeUser: null,
  key: null,
  traceparent: null,
  place: null,
  messageId: null,
  unfit: null,
}

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
        'Sluice-Key': 'ключ 1',
        'Nats-Msg-Id': 'id-1',
      }),
    ).toEqual({
      ...NONE,
      ...NONE,
      payload: Buffer.from('1'),
      binary: false,
      from: 'a b',
      session: 'gw.1',
      event: 'a.b',
      excludeSession: 'gw.2',
      excludeUser: 'bob',
      key: 'ключ 1',
      messageId: 'id-1',
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

  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

  test('bring the trace along', () => {
    expect(read('1', { traceparent: trace })).toEqual({
      ...NONE,
      payload: Buffer.from('1'),
      binary: false,
      traceparent: trace,
    })
  })

  // It goes into frames as it is.
  test.each([
    'x',
    `${trace}","from":"eve`,
    ` ${trace}x`,
    trace.toUpperCase(),
    trace.replace('00-', 'ff-'),
    `${trace}-a`,
  ])('that hold no trace are as if they were not there: %s', (traceparent) => {
    expect(read('1', { traceparent })).toMatchObject({ traceparent: null })
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
    ['Sluice-Key', 'x'.repeat(129)],
    ['Sluice-Key', 'a\u0007b'],
  ])('of %s: %s drop the message', (name, value) => {
    expect(read('1', { [name]: value })).toBe('bad_header')
  })

  test('may be as long as a name', () => {
    expect(read('1', { 'Sluice-From': 'x'.repeat(384), 'Sluice-Event': 'x'.repeat(64) })).toMatchObject({
      binary: false,
    })
  })
})

describe('the id under which a message was stored', () => {
  test('is kept for those alone whose publisher does not hear it', () => {
    expect(read('1', { 'Nats-Msg-Id': 'id-1' })).toMatchObject({ messageId: null })
  })
})

const TIME = '2026-11-25T10:00:00.123456789Z'

/** A copy as a stream republishes it, with what its publisher wrote in front. */
function copy(values: Record<string, string>, forged: readonly (readonly [string, string])[] = []): Msg {
  const built = headers()
  for (const [name, value] of [...forged, ...Object.entries(values)]) built.append(name, value)
  return { data: Buffer.from('1'), headers: built } as unknown as Msg
}

const REAL = { 'Nats-Sequence': '12', 'Nats-Last-Sequence': '7', 'Nats-Time-Stamp': TIME }
const PLACE = { offset: 12, prev: 7, time: Date.parse('2026-11-25T10:00:00.123Z') }

describe('the place of a copy', () => {
  test('is what its stream tells, cut to milliseconds', () => {
    expect(placeOfCopy(copy(REAL))).toEqual(PLACE)
    expect(placeOfCopy(copy({ ...REAL, 'Nats-Last-Sequence': '0' }))).toEqual({ ...PLACE, prev: 0 })
  })

  test('is not what its publisher has written in front of that', () => {
    const forged = [
      ['Nats-Sequence', '99'],
      ['Nats-Sequence', '98'],
      ['Nats-Last-Sequence', '1'],
      ['Nats-Time-Stamp', '2020-01-01T00:00:00Z'],
    ] as const
    expect(placeOfCopy(copy(REAL, forged))).toEqual(PLACE)
  })

  test.each<[string, Record<string, string>]>([
    ['nothing', {}],
    ['no sequence', { 'Nats-Last-Sequence': '7', 'Nats-Time-Stamp': TIME }],
    ['no sequence before it', { 'Nats-Sequence': '12', 'Nats-Time-Stamp': TIME }],
    ['no time', { 'Nats-Sequence': '12', 'Nats-Last-Sequence': '7' }],
    ['no number', { ...REAL, 'Nats-Sequence': 'x' }],
    ['no integer', { ...REAL, 'Nats-Sequence': '12.5' }],
    ['more than can be told', { ...REAL, 'Nats-Sequence': '9007199254740993' }],
    ['a negative one', { ...REAL, 'Nats-Last-Sequence': '-1' }],
    ['one that is not after the one before it', { ...REAL, 'Nats-Last-Sequence': '12' }],
    ['a time that is none', { ...REAL, 'Nats-Time-Stamp': 'yesterday' }],
  ])('is none where the headers tell %s', (_, values) => {
    expect(placeOfCopy(copy(values))).toBeNull()
  })

  test('is none where there are no headers, or they cannot be read', () => {
    const broken = {
      get headers() {
        throw new Error('bad')
      },
    }
    expect(placeOfCopy({ data: Buffer.from('1') } as unknown as Msg)).toBeNull()
    expect(placeOfCopy(broken as unknown as Msg)).toBeNull()
  })
})

describe('a stored message', () => {
  test('has its place beside its content', () => {
    expect(readStored(copy({ 'Sluice-From': 'bob' }), PLACE, MAX)).toEqual({
      ...NONE,
      payload: Buffer.from('1'),
      binary: false,
      from: 'bob',
      place: PLACE,
    })
  })

  test.each<[string, Msg, string]>([
    ['no JSON', { data: Buffer.from('{'), headers: undefined } as unknown as Msg, 'not_json'],
    ['too much', { data: Buffer.alloc(MAX + 1, '1'), headers: undefined } as unknown as Msg, 'too_large'],
    ['a bad header', copy({ 'Sluice-From': '=2e' }), 'bad_header'],
  ])('with %s keeps its place, and nothing else of it', (_, message, unfit) => {
    expect(readStored(message, PLACE, MAX)).toEqual({
      ...NONE,
      payload: new Uint8Array(0),
      binary: false,
      place: PLACE,
      unfit,
    })
  })
})
