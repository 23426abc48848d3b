import { Packr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { DATA_DEPTH_MAX } from './limits.ts'
import { msgpackCodec } from './msgpack.ts'

/** What another implementation can write, with all of its extensions. */
const extended = new Packr({ useRecords: true, moreTypes: true, structuredClone: true, bundleStrings: false })
const maps = new Packr({ useRecords: false, moreTypes: true, mapsAsObjects: false })
const bundling = new Packr({ useRecords: false, bundleStrings: true })

/** A publish whose data was written by `packr`: spliced, so that the frame around it is a plain map. */
function publish(packr: Packr, data: unknown): Uint8Array {
  const plain = msgpackCodec.encodeClient({ type: 'publish', id: 7, room: 'a', data: 0 })
  return Buffer.concat([plain.subarray(0, -1), Uint8Array.from(packr.pack(data))])
}

const loop: unknown[] = []
loop.push(loop)
const shared = { a: 1 }

describe('a MessagePack frame [P-8.4]', () => {
  test.each<[string, unknown]>([
    ['a date', new Date(0)],
    ['a typed array', new Uint16Array(2)],
    ['undefined', undefined],
    ['undefined in a list', [undefined]],
    ['a great integer', 2n ** 70n],
    ['an integer of 64 bits', 2n ** 53n],
    ['NaN', Number.NaN],
    ['infinity', [Number.NEGATIVE_INFINITY]],
    ['keys that are numbers', new Map([[1, 2]])],
    ['keys that are lists', new Map([[[1], 2]])],
    ['bytes in a map', { a: Buffer.alloc(1) }],
  ])('does not carry %s, and says so to the request', (_, data) => {
    const parsed = msgpackCodec.decodeClient(publish(maps, data))
    expect(parsed).toMatchObject({ ok: false, reason: 'malformed', id: 7, message: expect.stringMatching(/^data: /) })
  })

  // This library puts values behind an extension that belong to it, which breaks the map for everyone else.
  test.each<[string, Packr, unknown]>([
    ['a set', maps, new Set([1])],
    ['a regular expression', maps, /a/],
    ['an error', maps, new TypeError('a')],
    ['records', extended, [{ a: 1 }, { a: 2 }]],
    ['references', extended, [shared, shared]],
    ['a loop', extended, loop],
  ])('is malformed with %s', (_, packr, data) => {
    expect(msgpackCodec.decodeClient(publish(packr, data))).toMatchObject({ ok: false, reason: 'malformed' })
  })

  test('is malformed with strings that were bundled behind it', () => {
    expect(msgpackCodec.decodeClient(bundling.pack({ type: 'ping', id: 'aaaaaaaa' }))).toMatchObject({ ok: false })
  })

  test('carries bytes as bin, and null as null', () => {
    const decode = (data: unknown) => {
      const parsed = msgpackCodec.decodeClient(publish(maps, data))
      return parsed.ok ? parsed.frame.payload : null
    }
    expect(decode(Buffer.from([1, 2]))).toEqual({ kind: 'bytes', bytes: Uint8Array.of(1, 2) })
    expect(decode(Buffer.alloc(0))).toEqual({ kind: 'bytes', bytes: new Uint8Array() })
    expect(decode(null)).toEqual({ kind: 'json', bytes: Uint8Array.from(Buffer.from('null')) })
  })

  test('counts the levels of data as JSON does [P-8.5]', () => {
    const nested = (levels: number) => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`)
    expect(msgpackCodec.decodeClient(publish(maps, nested(DATA_DEPTH_MAX)))).toMatchObject({ ok: true })
    const deeper = Buffer.concat([publish(maps, 0).subarray(0, -1), Buffer.alloc(100_000, 0x91), Buffer.of(0xc0)])
    for (const bytes of [publish(maps, nested(DATA_DEPTH_MAX + 1)), deeper]) {
      expect(msgpackCodec.decodeClient(bytes)).toMatchObject({
        message: `data: nested deeper than ${DATA_DEPTH_MAX}`,
        id: 7,
      })
    }
  })

  test('has bytes in data, not in a field of their own', () => {
    const bytes = maps.pack({ type: 'publish', id: 7, room: 'a', bytes: Buffer.alloc(1) })
    expect(msgpackCodec.decodeClient(bytes)).toMatchObject({ ok: false, id: 7 })
  })

  test('may carry in fields that this release ignores what JSON cannot say [P-14.1]', () => {
    const later = { at: new Date(0), keys: new Map([[1, Buffer.alloc(1)]]) }
    expect(msgpackCodec.decodeClient(maps.pack({ type: 'ping', id: 7, later }))).toEqual({
      ok: true,
      frame: { type: 'ping', id: 7 },
    })
    const pong = maps.pack({ type: 'pong', later })
    expect(msgpackCodec.decodeServer(pong)).toEqual({ type: 'pong' })
  })

  test('of a gateway reads numbers as JSON.parse reads them', () => {
    const data = JSON.parse('[1e999, 12345678901234567890]')
    const frame = { type: 'message', room: 'a', data } as const
    expect(msgpackCodec.decodeServer(msgpackCodec.encodeServer(frame))).toEqual(frame)
  })

  test.each(['{"constructor":1,"toJSON":1}', '{"__proto__":1,"hasOwnProperty":2}', '{"toJSON":null}'])(
    'can be made of the data %s, whose names mean something to JavaScript',
    (text) => {
      const frame = msgpackCodec.encodeServer({ type: 'message', room: 'a', data: JSON.parse(text) })
      const received = msgpackCodec.decodeServer(frame) as { data?: unknown } | null
      expect(JSON.stringify(received?.data)).toBe(text)
    },
  )
})
