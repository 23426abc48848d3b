import { describe, expect, test } from 'vitest'
import { jwtExpiryMs, marginOf } from './token-expiry.ts'

function jwt(claims: unknown): string {
  return ['{}', JSON.stringify(claims), 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.')
}

describe('the end of a token', () => {
  test('is its claim exp, in milliseconds', () => {
    expect(jwtExpiryMs(jwt({ sub: 'ann', exp: 1_790_000_000 }))).toBe(1_790_000_000_000)
  })

  test('is found beside text of any script', () => {
    expect(jwtExpiryMs(jwt({ sub: 'Ünïcödé 😀 ~~~???', exp: 5 }))).toBe(5000)
  })

  test.each([['opaque'], [''], ['a.b.c'], [jwt(null)], [jwt({ exp: '5' })], [jwt({})], ['..']])(
    'is not known of %j',
    (token) => {
      expect(jwtExpiryMs(token)).toBeUndefined()
    },
  )
})

test('the margin is at most a quarter of the time that is left', () => {
  expect(marginOf(3_600_000, 60_000)).toBe(60_000)
  expect(marginOf(60_000, 60_000)).toBe(15_000)
  expect(marginOf(-5, 60_000)).toBe(0)
})
