import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeToken, encodeToken } from './tokens.ts'

const anyText = fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units))
const name = fc.string({ unit: 'binary', minLength: 1 })
// Made of the pieces that tokens are made of, so that almost-tokens are common.
const almostToken = fc
  .array(fc.constantFrom('a', 'Z', '0', '_', '-', '=', '=2E', '=2e', '=41', '=C3', '=A9', '=FF', '.', '*', ' '))
  .map((parts) => parts.join(''))

describe('a token [P-2.8]', () => {
  test('decodes to the name that it was made of', () => {
    fc.assert(fc.property(name, (text) => decodeToken(encodeToken(text)) === text))
  })

  test('holds nothing that subjects, keys or headers give a meaning', () => {
    fc.assert(fc.property(name, (text) => /^(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+$/.test(encodeToken(text))))
  })

  test('leaves plain names as they are', () => {
    expect(encodeToken('team-7_A')).toBe('team-7_A')
  })

  test('takes at most three characters for each byte of the name', () => {
    fc.assert(fc.property(name, (text) => encodeToken(text).length <= 3 * Buffer.byteLength(text)))
  })

  test.each(['', '\ud800', 'a\udc00b'])('is not made of %j, which no token could give back', (text) => {
    expect(() => encodeToken(text)).toThrow(RangeError)
  })
})

describe('a text from outside', () => {
  test('decodes only if it is what its name encodes to', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, almostToken), (text) => {
        const decoded = decodeToken(text)
        expect(decoded === null || encodeToken(decoded) === text).toBe(true)
      }),
    )
  })

  test.each([
    ['a plain character that was escaped', '=41'],
    ['lower-case hex', '=2e'],
    ['half an escape', 'a=2'],
    ['an escape alone', '='],
    ['bytes that are no UTF-8', '=FF'],
    ['half of a character', '=C3'],
    ['an overlong form', '=C0=AE'],
    ['a surrogate in UTF-8', '=ED=A0=80'],
    ['nothing', ''],
    ['a dot', 'a.b'],
    ['a wildcard', '*'],
    ['white space', 'a b'],
    ['a line break behind it', 'a\n'],
  ])('is no token with %s', (_, text) => {
    expect(decodeToken(text)).toBeNull()
  })

  test('keeps a byte order mark', () => {
    expect(decodeToken('=EF=BB=BFa')).toBe('\ufeffa')
  })
})
