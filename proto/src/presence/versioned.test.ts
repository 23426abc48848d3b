import { describe, expect, test } from 'vitest'
import * as z from 'zod/mini'
import { readJson, readVersioned, versionField } from './versioned.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const schema = z.object({ v: versionField, a: z.int() })
const read = (text: string) => readVersioned(bytes(text), 100, schema)

describe('a versioned value', () => {
  test('is read, and fields that are not known are left out', () => {
    expect(read('{"v":1,"a":2,"later":true}')).toEqual({ a: 2 })
  })

  test('of a later release is told apart, whatever else it holds', () => {
    expect(read('{"v":2}')).toBe('newer')
    expect(read('{"v":9,"a":"text"}')).toBe('newer')
  })

  test.each([
    '',
    '{',
    'null',
    '[]',
    '1',
    '{}',
    '{"v":1}',
    '{"v":0,"a":1}',
    '{"v":-1,"a":1}',
    '{"v":1.5,"a":1}',
    '{"v":"1","a":1}',
    '{"v":1,"a":"1"}',
  ])('is not %j', (text) => {
    expect(read(text)).toBeNull()
  })

  test('has a bound in bytes', () => {
    expect(readJson(bytes('"éé"'), 6)).toBe('éé')
    expect(readJson(bytes('"éé"'), 5)).toBeUndefined()
  })

  test('is UTF-8 without a byte order mark', () => {
    expect(readJson(Uint8Array.of(0x22, 0xff, 0x22), 10)).toBeUndefined()
    expect(readJson(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31), 10)).toBeUndefined()
  })
})
