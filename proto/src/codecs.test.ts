// Both encodings, held to the same promises.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BODY_TYPES, type ClientFrame } from './client-frames.ts'
import type { ClientFrameWithPayload, Codec } from './codec.ts'
import { isTooDeep } from './data-depth.ts'
import { KEY_PATTERN } from './headers.ts'
import { jsonCodec } from './json-codec.ts'
import { msgpackCodec } from './msgpack.ts'
import type { ServerFrame } from './server-frames.ts'

const codecs: [string, Codec][] = [
  ['JSON', jsonCodec],
  ['MessagePack', msgpackCodec],
]

const count = fc.maxSafeNat()
const text = fc.string({ unit: 'binary', maxLength: 20 })
const id = fc.oneof(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), fc.string({ minLength: 1, maxLength: 32 }))
const event = fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/)
const some = { requiredKeys: [] as [] }
const json = fc.jsonValue({ maxDepth: 4 })
const body = fc.oneof(fc.record({ data: json }), fc.record({ bytes: fc.uint8Array({ maxLength: 300 }) }))
const room = fc.record({ room: text })
const user = fc.record({ user: text })

function frame<type extends string>(type: type, ...parts: fc.Arbitrary<object>[]): fc.Arbitrary<{ type: type }> {
  return fc.tuple(...parts).map((fields) => Object.assign({ type }, ...fields))
}

const optionalId = fc.record({ id }, some)
const extras = fc.record(
  {
    event,
    key: fc.string({ minLength: 1, maxLength: 128 }).filter((key) => KEY_PATTERN.test(key)),
    ephemeral: fc.boolean(),
  },
  some,
)
const clientFrame = fc.oneof(
  frame('auth', optionalId, fc.record({ token: fc.string({ minLength: 1 }) })),
  frame(
    'join',
    optionalId,
    fc.oneof(room, user),
    fc.record({ presence: fc.boolean(), history: fc.integer({ min: 1, max: 1000 }) }, some),
  ),
  frame('leave', optionalId, fc.oneof(room, user)),
  frame('publish', optionalId, room, body, extras, fc.record({ echo: fc.boolean() }, some)),
  frame('send', optionalId, fc.oneof(user, fc.record({ session: text })), body, extras),
  frame('call', optionalId, fc.record({ method: event }), body),
  frame('presence', optionalId, room),
  frame('history', optionalId, room, fc.record({ limit: fc.integer({ min: 1, max: 1000 }) })),
  frame('ping', optionalId),
) as fc.Arbitrary<ClientFrame>

const position = fc.record({ offset: count, prev: count, time: count }, some)
const member = fc.oneof(
  fc.record({ user: text, connections: count }),
  fc.record({ user: text, connections: count, info: json }),
)
const serverFrame = fc.oneof(
  frame(
    'welcome',
    fc.record({
      version: count,
      session: text,
      user: text,
      gateway: text,
      time: count,
      heartbeatMs: count,
      limits: fc.dictionary(fc.constantFrom('roomsMax', 'laterMax'), count),
      features: fc.array(text),
    }),
  ),
  frame(
    'ok',
    fc.record({ id }),
    position,
    fc.record({ members: fc.array(member), count, recovered: fc.boolean() }, some),
  ),
  frame(
    'error',
    optionalId,
    fc.record({ code: text, message: text }),
    fc.record({ retryAfterMs: count, details: json }, some),
  ),
  frame('message', fc.oneof(room, user), body, position, fc.record({ from: text, session: text, event }, some)),
  frame('members', room, fc.record({ members: fc.array(member), count })),
  frame('joined', room, fc.record({ member })),
  frame('gap', room, fc.record({ reason: text, epoch: text, offset: count })),
  frame('pong', optionalId),
) as fc.Arbitrary<ServerFrame>

/** JSON's view: -0 is 0, and objects have no prototype of their own. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value ?? null))

/** Bytes that were frames before something happened to them, and bytes that never were. */
const damaged = (codec: Codec) => {
  const encoded = fc.oneof(clientFrame.map(codec.encodeClient), serverFrame.map(codec.encodeServer))
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    fc.constantFrom('{', '"data":', '\\', '"', ']', '\\ud800', '1e999').map((part) => Buffer.from(part)),
  )
  const cut = fc.tuple(encoded, fc.nat(), fc.nat(20), piece).map(([bytes, at, length, inserted]) => {
    const start = at % (bytes.length + 1)
    return Buffer.concat([bytes.subarray(0, start), inserted, bytes.subarray(start + length)])
  })
  const heads = fc.array(
    fc.oneof(fc.integer({ min: 0x80, max: 0x9f }), fc.integer({ min: 0xc0, max: 0xdf }), fc.nat(255)),
    { maxLength: 40 },
  )
  return fc.oneof(
    { weight: 5, arbitrary: cut },
    fc.uint8Array({ maxLength: 60 }),
    heads.map((list) => Uint8Array.from(list)),
  )
}

describe.each(codecs)('the encoding %s', (_, codec) => {
  test('gives a gateway what a client sent, and the payload beside it', () => {
    fc.assert(
      fc.property(clientFrame, (sent) => {
        const parsed = codec.decodeClient(codec.encodeClient(sent))
        expect(parsed.ok).toBe(true)
        if (!parsed.ok) return
        const {
          data: _data,
          bytes: _bytes,
          payload,
          ...fields
        } = parsed.frame as ClientFrameWithPayload & { data?: unknown; bytes?: unknown }
        const { data, bytes, ...expected } = sent as ClientFrame & { data?: unknown; bytes?: unknown }
        expect(fields).toEqual(expected)
        expect(payload !== undefined).toBe(BODY_TYPES.has(sent.type))
        if (bytes !== undefined) expect(payload).toEqual({ kind: 'bytes', bytes })
        else if (payload !== undefined) expect(JSON.parse(Buffer.from(payload.bytes).toString())).toEqual(plain(data))
      }),
    )
  })

  test('gives a client what a gateway sent', () => {
    fc.assert(
      fc.property(serverFrame, (sent) => {
        const received = codec.decodeServer(codec.encodeServer(sent))
        const { bytes, ...rest } = sent as { bytes?: Uint8Array }
        const { bytes: receivedBytes, ...receivedRest } = (received ?? {}) as { bytes?: Uint8Array }
        expect(plain(receivedRest)).toEqual(plain(rest))
        expect(receivedBytes).toEqual(bytes)
      }),
    )
  })

  test('throws on nothing that a peer can send, and is as good as before afterwards', () => {
    const good = codec.encodeClient({ type: 'publish', id: 7, room: 'lobby', data: [1] })
    fc.assert(
      fc.property(damaged(codec), (bytes) => {
        const parsed = codec.decodeClient(bytes)
        codec.decodeServer(bytes)
        if (!parsed.ok) expect(parsed.message).toMatch(/^[\x20-\x7e]{1,200}$/)
        else if (parsed.frame.payload?.kind === 'json') {
          const printed = Buffer.from(parsed.frame.payload.bytes).toString()
          expect(() => JSON.parse(printed)).not.toThrow()
          expect(isTooDeep(printed)).toBe(false)
        }
        expect(codec.decodeClient(good).ok).toBe(true)
      }),
      { numRuns: 10_000 },
    )
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  test('says of an unknown type that it is unknown, and tells its id', () => {
    const bytes = codec.encodeClient({ type: 'update', id: 'a' } as unknown as ClientFrame)
    expect(codec.decodeClient(bytes)).toEqual({ ok: false, reason: 'unknown', message: 'type: no such frame', id: 'a' })
  })

  test('lets a client ignore types and fields of a later gateway [P-14.1]', () => {
    expect(codec.decodeServer(codec.encodeServer({ type: 'updated' } as unknown as ServerFrame))).toBeNull()
    const pong = codec.encodeServer({ type: 'pong', later: [1] } as unknown as ServerFrame)
    expect(codec.decodeServer(pong)).toEqual({ type: 'pong' })
  })

  test('takes the payload out of frames that have one, and leaves data of others alone', () => {
    const bytes = codec.encodeClient({ type: 'join', room: 'lobby', data: 1 } as unknown as ClientFrame)
    expect(codec.decodeClient(bytes)).toEqual({ ok: true, frame: { type: 'join', room: 'lobby' } })
  })
})

test('a payload of JSON is the same value in both encodings', () => {
  fc.assert(
    fc.property(json, (data) => {
      const sent: ClientFrame = { type: 'publish', room: 'lobby', data }
      const [first, second] = codecs.map(([, codec]) => {
        const parsed = codec.decodeClient(codec.encodeClient(sent))
        return parsed.ok && parsed.frame.payload
          ? JSON.parse(Buffer.from(parsed.frame.payload.bytes).toString())
          : undefined
      })
      expect(first).toEqual(second)
    }),
  )
})
