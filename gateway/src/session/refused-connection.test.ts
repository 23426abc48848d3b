import { expect, test } from 'vitest'
import { closeReason } from './refused-connection.ts'

test.each([
  ['no', 'no'],
  ['x'.repeat(123), 'x'.repeat(123)],
  ['x'.repeat(124), 'x'.repeat(123)],
  [`${'x'.repeat(122)}é`, 'x'.repeat(122)],
  ['😀'.repeat(100), '😀'.repeat(30)],
])('of %j a close frame tells %j', (text, told) => {
  expect(closeReason(text)).toBe(told)
})
