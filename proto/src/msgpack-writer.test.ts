import fc from 'fast-check'
import { Packr, Unpackr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { DATA_DEPTH_MAX } from './limits.ts'
import { writeMsgpack } from './msgpack-writer.ts'

const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' })
const packr = new Packr({ useRecords: false, variableMapSize: true })

const hexOf = (value: unknown) => Buffer.from(writeMsgpack(value)).toString('hex')
const nested = (levels: number) => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`)

describe('the writer of MessagePack', () => {
  test('writes what another implementation reads', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
        // The other one renames this key when it reads.
        fc.pre(!JSON.stringify(value).includes('__proto__'))
        expect(unpackr.unpack(writeMsgpack([value, text]))).toEqual([value, text])
      }),
    )
  })

  test.each([31, 32, 255, 256, 65_535, 65_536])(
    'writes the same heads as another implementation at a size of %i',
    (size) => {
      const values = ['x'.repeat(size), 'é'.repeat(size / 2), Buffer.alloc(size), Array(size).fill(0)]
      for (const value of values) {
        const theirs = Buffer.from(packr.pack(value))
        expect(Buffer.from(writeMsgpack(value)).equals(theirs)).toBe(true)
      }
    },
  )

  test.each([15, 16, 65_535, 65_536])('writes maps of %i members', (size) => {
    const map = Object.fromEntries(Array.from({ length: size }, (_, at) => [`k${at}`, at]))
    expect(Buffer.from(writeMsgpack(map)).equals(Buffer.from(packr.pack(map)))).toBe(true)
  })

  test.each([
    [0, '00'],
    [127, '7f'],
    [128, 'cc80'],
    [255, 'ccff'],
    [256, 'cd0100'],
    [65_535, 'cdffff'],
    [65_536, 'ce00010000'],
    [4_294_967_295, 'ceffffffff'],
    [4_294_967_296, 'cf0000000100000000'],
    [Number.MAX_SAFE_INTEGER, 'cf001fffffffffffff'],
    [-1, 'ff'],
    [-32, 'e0'],
    [-33, 'd0df'],
    [-128, 'd080'],
    [-129, 'd1ff7f'],
    [-32_768, 'd18000'],
    [-32_769, 'd2ffff7fff'],
    [-2_147_483_648, 'd280000000'],
    [-2_147_483_649, 'd3ffffffff7fffffff'],
    [Number.MIN_SAFE_INTEGER, 'd3ffe0000000000001'],
    [-0, 'cb8000000000000000'],
    [0.5, 'cb3fe0000000000000'],
    [2 ** 53, 'cb4340000000000000'],
    [Number.POSITIVE_INFINITY, 'cb7ff0000000000000'],
  ])('writes %d as %s: integers stay integers', (number, bytes) => {
    expect(hexOf(number)).toBe(bytes)
  })

  test('leaves out members that are undefined, at every depth', () => {
    expect(hexOf({ a: undefined, b: { c: undefined }, d: 1 })).toBe(hexOf({ b: {}, d: 1 }))
  })

  test('writes members that are called like methods as what they are', () => {
    const data = JSON.parse('{"constructor":1,"toJSON":1,"hasOwnProperty":2,"__proto__":{"a":1},"length":3}')
    expect(hexOf(data)).toBe(
      '85ab636f6e7374727563746f7201a6746f4a534f4e01ae6861734f776e50726f706572747902a95f5f70726f746f5f5f81a16101a66c656e67746803',
    )
  })

  test('writes a lone surrogate as the replacement character, in short and in long text', () => {
    expect(hexOf('a\ud800')).toBe('a461efbfbd')
    expect(
      Buffer.from(writeMsgpack(`${'x'.repeat(40)}\udc00`))
        .subarray(-3)
        .toString('hex'),
    ).toBe('efbfbd')
  })

  test('keeps what it has written when a buffer has to grow', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 480, max: 520 }),
        fc.integer(),
        fc.double({ noNaN: true }),
        (length, whole, real) => {
          const value = ['x'.repeat(length), whole, real, -200, 70_000, 'é', 2 ** 40]
          expect(unpackr.unpack(writeMsgpack(value))).toEqual(value)
        },
      ),
    )
  })

  test('gives each result a buffer of its own, of its own size', () => {
    const first = writeMsgpack({ type: 'pong' })
    const copy = Uint8Array.from(first)
    const second = writeMsgpack({ type: 'ok', id: 1 })
    expect(first.buffer).not.toBe(second.buffer)
    expect(first.buffer.byteLength).toBe(first.length)
    expect(first).toEqual(copy)
  })

  test('has room for data as deep as it may be, in a message of a list, and ends at a bound', () => {
    expect(() => writeMsgpack({ messages: [{ data: nested(DATA_DEPTH_MAX) }] })).not.toThrow()
    expect(() => writeMsgpack({ data: nested(100_000) })).toThrow(RangeError)
  })

  test.each([() => 1, 1n, Symbol('a')])('throws for %s, which is a mistake of ours', (value) => {
    expect(() => writeMsgpack({ value })).toThrow(TypeError)
  })
})
