import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CLOSE_CODES, closeAction } from './close-codes.ts'

describe('a close', () => {
  test('with a known code has the action of its row [P-12.1]', () => {
    for (const [code, rule] of Object.entries(CLOSE_CODES)) expect(closeAction(Number(code))).toBe(rule.action)
  })

  test('with a code of a later gateway stops the client from 4500 to 4999 alone [P-12.2]', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 70_000 }), (code) => {
        if (Object.hasOwn(CLOSE_CODES, code)) return
        expect(closeAction(code)).toBe(code >= 4500 && code <= 4999 ? 'stop' : 'backoff')
      }),
      { examples: [[4499], [4500], [4999], [5000], [1005]] },
    )
  })

  test.each([Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY])('with %d, which is no code, is lost', (code) => {
    expect(closeAction(code)).toBe('backoff')
  })

  test('has no code of ours where a later gateway would put one that stops', () => {
    for (const code of Object.keys(CLOSE_CODES)) expect(Number(code)).toBeLessThan(4500)
  })
})
