import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { DATA_DEPTH_MAX } from './limits.ts'
import { readMsgpackMap } from './msgpack-reader.ts'

// The other implementation: what it writes, ours reads; what it alone offers, ours reports.
const packr = new Packr({ useRecords: false, variableMapSize: true, moreTypes: true, useToJSON: false })

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const read = (bytes: Uint8Array) => readMsgpackMap(bytes)
/** A map of one member `d`, its value in hex. */
const member = (value: string) => hex(`81 a1 64 ${value}`)
const readValue = (value: string) => read(member(value))?.members.d
const problemOf = (value: string) => read(member(value))?.incompatibilities.get('d') ?? null

describe('the reader of MessagePack', () => {
  test('reads what another implementation writes', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (object) => {
        const map = read(packr.pack(object))
        expect(map?.incompatibilities.size).toBe(0)
        expect(JSON.stringify(map?.members)).toBe(JSON.stringify(object))
      }),
    )
  })

  test.each([
    ['00', 0],
    ['7f', 127],
    ['e0', -32],
    ['ff', -1],
    ['cc ff', 255],
    ['cd ffff', 65_535],
    ['ce ffffffff', 4_294_967_295],
    ['cf 001fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['d0 80', -128],
    ['d0 7f', 127],
    ['d1 8000', -32_768],
    ['d2 80000000', -2_147_483_648],
    ['d3 ffe0000000000001', Number.MIN_SAFE_INTEGER],
    ['d3 ffffffffffffffff', -1],
    ['ca 3fc00000', 1.5],
    ['cb 3fb999999999999a', 0.1],
    ['c0', null],
    ['c2', false],
    ['c3', true],
    ['a0', ''],
    ['d9 01 61', 'a'],
    ['da 0001 61', 'a'],
    ['db 00000001 61', 'a'],
    ['a4 f09f9880', '😀'],
    ['90', []],
    ['dc 0001 01', [1]],
    ['dd 00000001 01', [1]],
    ['80', {}],
    ['de 0001 a1 61 01', { a: 1 }],
    ['df 00000001 a1 61 01', { a: 1 }],
    ['82 a1 61 01 a1 61 02', { a: 2 }],
  ])('reads %s as %j', (bytes, value) => {
    expect(readValue(bytes)).toEqual(value)
    expect(problemOf(bytes)).toBeNull()
  })

  test.each(['c4 02 00ff', 'c5 0002 00ff', 'c6 00000002 00ff'])('reads bin %s as bytes', (bytes) => {
    expect(readValue(bytes)).toEqual(Uint8Array.of(0, 255))
    expect(problemOf(bytes)).toBeNull()
  })

  test('reads from the middle of a buffer, as sockets hand it over', () => {
    const padded = Buffer.concat([Buffer.from('ffff', 'hex'), member('c4 01 07'), Buffer.from('ff', 'hex')])
    expect(read(padded.subarray(2, -1))?.members.d).toEqual(Uint8Array.of(7))
  })

  test.each([
    ['bin', 'bytes in a list', '91 c4 01 00'],
    ['bin', 'bytes in a map', '81 a1 61 c4 00'],
    ['extension', 'fixext 1', 'd4 01 00'],
    ['extension', 'fixext 2', 'd5 01 0000'],
    ['extension', 'fixext 4', 'd6 ff 00000000'],
    ['extension', 'fixext 8', 'd7 ff 0000000000000000'],
    ['extension', 'fixext 16', 'd8 01 00000000000000000000000000000000'],
    ['extension', 'ext 8', 'c7 00 01'],
    ['extension', 'ext 16', 'c8 0001 01 00'],
    ['extension', 'ext 32', 'c9 00000001 01 00'],
    ['extension', 'one in a list', '92 01 d4 00 00'],
    ['integer', 'uint64 of 2^53', 'cf 0020000000000000'],
    ['integer', 'the greatest uint64', 'cf ffffffffffffffff'],
    ['integer', 'int64 of -2^53', 'd3 ffe0000000000000'],
    ['integer', 'the least int64', 'd3 8000000000000000'],
    ['number', 'NaN', 'cb 7ff8000000000000'],
    ['number', 'infinity', 'cb 7ff0000000000000'],
    ['number', 'NaN of 32 bits', 'ca 7fc00000'],
    ['key', 'a number as key', '81 01 01'],
    ['key', 'nil as key', '81 c0 01'],
    ['bin', 'bytes as key', '81 c4 01 61 01'],
    ['key', 'a map as key', '81 81 a1 61 01 01'],
    ['key', 'an empty list as key', '81 90 01'],
  ])('reports %s: %s', (problem, _, bytes) => {
    expect(problemOf(bytes)).toBe(problem)
  })

  test('reports for each member alone, and goes on behind it', () => {
    const map = read(hex('83 a1 61 d4 00 00 a1 62 01 a1 63 91 c4 00'))
    expect(map?.members).toEqual({ a: null, b: 1, c: [new Uint8Array()] })
    expect([...(map?.incompatibilities ?? [])]).toEqual([
      ['a', 'extension'],
      ['c', 'bin'],
    ])
  })

  test('reports of two members with one name what the last is', () => {
    expect(read(hex('82 a1 61 d4 00 00 a1 61 01'))).toEqual({ members: { a: 1 }, incompatibilities: new Map() })
    expect(read(hex('82 a1 61 01 a1 61 d4 00 00'))?.incompatibilities.get('a')).toBe('extension')
  })

  test.each([
    ['list', '91', 'c0'],
    ['map', '81a0', 'c0'],
    ['list around an empty map', '91', '80'],
  ])('counts levels of a %s', (_, open, inner) => {
    const levels = (count: number) => `${open.repeat(inner === 'c0' ? count : count - 1)}${inner}`
    expect(problemOf(levels(DATA_DEPTH_MAX - 1))).toBeNull()
    expect(problemOf(levels(DATA_DEPTH_MAX))).toBeNull()
    expect(problemOf(levels(DATA_DEPTH_MAX + 1))).toBe('depth')
    expect(problemOf(levels(200_000))).toBe('depth')
  })

  test.each([
    ['nothing', ''],
    ['nil', 'c0'],
    ['a list', '91 01'],
    ['text', 'a1 61'],
    ['a key that is a number', '81 01 01'],
    ['the unused byte', '81 a1 64 c1'],
    ['a byte too many', '81 a1 64 01 00'],
    ['text that is no UTF-8', '81 a1 64 a1 ff'],
    ['half of a character', '81 a1 64 a1 c3'],
    ['a surrogate in UTF-8', '81 a1 64 a3 eda080'],
    ['long text that is no UTF-8', `81 a1 64 d9 40 ${'61'.repeat(63)} ff`],
    ['a list longer than the message', '81 a1 64 dd ffffffff'],
    ['a map longer than the message', '81 a1 64 df ffffffff'],
    ['a map longer than the message at its head', 'df ffffffff'],
    ['text longer than the message', '81 a1 64 db ffffffff 61'],
    ['bytes longer than the message', '81 a1 64 c6 ffffffff 00'],
    ['an extension longer than the message', '81 a1 64 c9 ffffffff 00'],
  ])('refuses %s', (_, bytes) => {
    expect(read(hex(bytes))).toBeNull()
  })

  test('refuses every beginning of a message', () => {
    const whole = packr.pack({
      text: 'é',
      long: 'x'.repeat(40),
      list: [1, -200, 70_000, 0.5, null],
      bin: Buffer.alloc(3),
    })
    for (let length = 0; length < whole.length; length++) expect(read(whole.subarray(0, length))).toBeNull()
    expect(read(whole)).not.toBeNull()
  })

  test('keeps __proto__ a key like any other', () => {
    const map = read(packr.pack(JSON.parse('{"__proto__":{"polluted":1},"d":{"__proto__":{"polluted":2}}}')))
    expect(Object.keys(map?.members ?? {})).toEqual(['__proto__', 'd'])
    expect(JSON.stringify(map?.members.d)).toBe('{"__proto__":{"polluted":2}}')
    expect('polluted' in Object.prototype).toBe(false)
  })

  test('takes time in proportion to the bytes, also for what would multiply itself in a library', () => {
    // Each list refers twice to the one before; resolved and printed, thirty of them make a billion nodes.
    const lists = Array.from({ length: 30 }, (_, at) => {
      const id = (number: number) => number.toString(16).padStart(8, '0')
      return `d6 69 ${id(at)} ${at === 0 ? '90' : `92 d6 70 ${id(at - 1)} d6 70 ${id(at - 1)}`}`
    })
    expect(read(hex(`81 a1 64 dc 001e ${lists.join('')} c0`))).toBeNull()
  })
})
