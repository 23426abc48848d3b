import { jsonCodec, type RoomName, type ServerFrame, type UserName } from '@sluice/proto'
import { msgpackCodec } from '@sluice/proto/msgpack'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { payloadOf } from '../../../test/harness/session-fakes.ts'
import { BARE, type Inbound } from '../backplane/inbound.ts'
import { frameHeaderBytes } from '../outbound/ws-frame.ts'
import { buildJsonMessage, buildMsgpackMessage } from './message-frame.ts'
import type { TopicName } from './topic.ts'

const LOBBY: TopicName = { kind: 'room', name: 'chat:lobby' as RoomName }
const ALICE: TopicName = { kind: 'user', name: 'alice' as UserName }

function inbound(payload: string | Uint8Array, fields: Partial<Inbound> = {}): Inbound {
  return {
    ...BARE,
    payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
    binary: typeof payload !== 'string',
    ...fields,
  }
}

const jsonText = (about: TopicName, message: Inbound): string => payloadOf(buildJsonMessage(about, message)).toString()
const decodeJson = (about: TopicName, message: Inbound): ServerFrame | null =>
  jsonCodec.decodeServer(payloadOf(buildJsonMessage(about, message)))
const decodeMsgpack = (about: TopicName, message: Inbound): ServerFrame | null =>
  msgpackCodec.decodeServer(payloadOf(buildMsgpackMessage(about, message)))

const SENT = { from: 'bob', session: 'gw1.7', event: 'typing.start' }

describe('a message as JSON', () => {
  test('names its room, its sender and its event', () => {
    expect(jsonText(LOBBY, inbound('{"a":1}', SENT))).toBe(
      '{"type":"message","room":"chat:lobby","from":"bob","session":"gw1.7","event":"typing.start","data":{"a":1}}',
    )
  })

  test('names its trace, in both encodings', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const frame = { type: 'message', room: 'chat:lobby', key: 'k', traceparent, data: 1 }
    expect(jsonText(LOBBY, inbound('1', { key: 'k', traceparent }))).toBe(JSON.stringify(frame))
    expect(decodeMsgpack(LOBBY, inbound('1', { key: 'k', traceparent }))).toEqual(frame)
  })

  test('to a user names the user, and leaves out what it does not have', () => {
    expect(jsonText(ALICE, inbound('null'))).toBe('{"type":"message","user":"alice","data":null}')
  })

  test.each([
    '12345678901234567890123456789',
    '1.0000000000000000000001e400',
    ' {"a" :\t[ 1 ,\r\n2 ] } ',
    '{"b":1,"a":2,"b":3,"__proto__":{}}',
    '"\\u00e9 \\ud83d\\ude00 é 😀"',
    '"\\ud800"',
    `${'['.repeat(5000)}${']'.repeat(5000)}`,
  ])('carries the payload byte for byte: %s', (payload) => {
    expect(jsonText(LOBBY, inbound(payload))).toBe(`{"type":"message","room":"chat:lobby","data":${payload}}`)
  })

  test('carries bytes as base64', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, at) => at)
    expect(decodeJson(LOBBY, inbound(bytes))).toEqual({ type: 'message', room: 'chat:lobby', bytes })
    expect(decodeJson(LOBBY, inbound(new Uint8Array(0)))).toEqual({
      type: 'message',
      room: 'chat:lobby',
      bytes: new Uint8Array(0),
    })
  })

  test.each(['a"b', 'a\\b', 'a\u0000b', 'line\nbreak', '\u2028', 'é😀', '</script>'])(
    'escapes the names %j where JSON needs it',
    (name) => {
      const frame = decodeJson({ kind: 'room', name: name as RoomName }, inbound('1', { from: name }))
      expect(frame).toEqual({ type: 'message', room: name, from: name, data: 1 })
    },
  )

  test.each([125, 126, 65_535, 65_536])('has the right header with %i bytes', (bytes) => {
    const bare = jsonText(LOBBY, inbound('""')).length
    const frame = buildJsonMessage(LOBBY, inbound(`"${'x'.repeat(bytes - bare)}"`))
    expect(frame).toHaveLength(frameHeaderBytes(bytes) + bytes)
    expect(payloadOf(frame)).toHaveLength(bytes)
  })

  test('reads a payload that is a view of a larger buffer', () => {
    const whole = Buffer.from('xx{"a":1}yy')
    const view = new Uint8Array(whole.buffer, whole.byteOffset + 2, 7)
    expect(jsonText(LOBBY, inbound('', { payload: view }))).toContain('"data":{"a":1}}')
    expect(decodeMsgpack(LOBBY, inbound('', { payload: view }))).toMatchObject({ data: { a: 1 } })
  })
})

describe('a message as MessagePack', () => {
  test('says the same as JSON does', () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 5 }),
        fc.option(fc.string({ unit: 'grapheme', minLength: 1 })),
        fc.boolean(),
        (payload, from, toUser) => {
          const about = toUser ? ALICE : LOBBY
          const message = inbound(payload, { ...SENT, from })
          expect(decodeMsgpack(about, message)).toEqual(decodeJson(about, message))
        },
      ),
    )
  })

  test('carries bytes as they are', () => {
    const bytes = Uint8Array.of(0, 255, 128, 13, 10)
    expect(decodeMsgpack(LOBBY, inbound(bytes, SENT))).toEqual(decodeJson(LOBBY, inbound(bytes, SENT)))
    expect(decodeMsgpack(LOBBY, inbound(bytes))).toEqual({ type: 'message', room: 'chat:lobby', bytes })
  })

  test('replaces lone surrogates, in keys as well, as its text is UTF-8', () => {
    expect(decodeMsgpack(LOBBY, inbound('{"\\ud800":["a\\udc00b"]}'))).toMatchObject({
      data: { '\ufffd': ['a\ufffdb'] },
    })
  })

  test('keeps a member called __proto__', () => {
    const frame = decodeMsgpack(LOBBY, inbound('{"__proto__":{"a":1}}'))
    expect(JSON.stringify(frame)).toContain('"data":{"__proto__":{"a":1}}')
  })

  test('of data that is nested too deep is refused with a RangeError', () => {
    const nested = (depth: number): Inbound => inbound(`${'['.repeat(depth)}${']'.repeat(depth)}`)
    expect(decodeMsgpack(LOBBY, nested(256))).toMatchObject({ type: 'message' })
    expect(() => buildMsgpackMessage(LOBBY, nested(100_000))).toThrow(RangeError)
  })
})
