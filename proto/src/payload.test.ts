import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesPayload, decodeBase64, encodeBase64, jsonPayload } from './payload.ts'

const bytesOf = (length: number) => Uint8Array.from({ length }, (_, at) => (at * 31 + 7) & 0xff)

describe('base64 [P-8.4]', () => {
  test('gives back the bytes that it was made of, and reads as others write it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        const text = encodeBase64(bytes)
        expect(text).toBe(Buffer.from(bytes).toString('base64'))
        expect(decodeBase64(text)).toEqual(bytes)
      }),
    )
  })

  test('has one text for one value', () => {
    const almost = fc.string({ unit: fc.constantFrom('A', 'Q', 'R', '/', '+', '=', '-', ' '), maxLength: 12 })
    fc.assert(
      fc.property(almost, (text) => {
        const bytes = decodeBase64(text)
        expect(bytes === null || encodeBase64(bytes) === text).toBe(true)
      }),
    )
  })

  test.each([0, 1, 2, 3, 4, 8191, 8192, 8193, 262_143, 262_144, 262_145])('carries %i bytes', (length) => {
    const bytes = bytesOf(length)
    const decoded = decodeBase64(encodeBase64(bytes))
    expect(decoded !== null && Buffer.from(decoded).equals(bytes)).toBe(true)
  })

  test.each([
    ['no padding', 'QQ'],
    ['half of its padding', 'QQ='],
    ['too much padding', 'QUI=='],
    ['padding in the middle', 'QQ==QQ=='],
    ['bits behind the only byte', 'QR=='],
    ['bits behind the second byte', 'QUJ='],
    ['the alphabet of URLs', '-_-_'],
    ['a space', 'QU JD'],
    ['a line break', 'QUJD\n'],
    ['one character', 'Q'],
    ['no base64 at all', 'é'],
    ['padding alone', '===='],
  ])('is refused with %s', (_, text) => {
    expect(decodeBase64(text)).toBeNull()
  })
})

describe('a payload', () => {
  test('of JSON is its text in UTF-8', () => {
    expect(jsonPayload('"é"')).toEqual({ kind: 'json', bytes: Uint8Array.from([0x22, 0xc3, 0xa9, 0x22]) })
  })

  test('of bytes is those bytes', () => {
    const bytes = bytesOf(3)
    expect(bytesPayload(bytes)).toEqual({ kind: 'bytes', bytes })
  })
})
