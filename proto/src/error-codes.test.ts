import { expect, test } from 'vitest'
import { ERROR_CODES } from './error-codes.ts'
import { isErrorCode } from './server-frames.ts'

test('an error code is lower case with underscores, and says what it means [P-13.1]', () => {
  for (const [code, meaning] of Object.entries(ERROR_CODES)) {
    expect(code).toMatch(/^[a-z]+(?:_[a-z]+)*$/)
    expect(meaning).not.toBe('')
  }
})

test('a code of a later gateway is told from the known ones [P-14.1]', () => {
  expect(isErrorCode('forbidden')).toBe(true)
  for (const code of ['later', '', 'toString', '__proto__', 'Forbidden']) expect(isErrorCode(code)).toBe(false)
})
