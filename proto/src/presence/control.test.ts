import { describe, expect, test } from 'vitest'
import type { SessionId } from '../names.ts'
import {
  CONTROL_BYTES_MAX,
  CONTROL_SESSIONS_MAX,
  decodeControl,
  decodeControlAnswer,
  encodeControl,
  encodeControlAnswer,
} from './control.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const close = { verb: 'close', sessions: ['gw.1' as SessionId], code: 4030, reason: 'too many' } as const

describe('control', () => {
  test('is read as it was written', () => {
    expect(decodeControl(bytes(encodeControl({ ...close, sessions: [...close.sessions] })))).toEqual(close)
  })

  test('of a later release is unsupported, or newer', () => {
    expect(decodeControl(bytes('{"v":1,"verb":"later"}'))).toBe('unsupported')
    expect(decodeControl(bytes('{"v":2,"verb":"close"}'))).toBe('newer')
  })

  test.each([
    { ...close, sessions: [] },
    { ...close, sessions: ['gw'] },
    { ...close, code: 1005 },
    { ...close, code: 5000 },
    { ...close, reason: 'é'.repeat(62) },
    { ...close, verb: 7 },
  ])('may not be %j', (control) => {
    expect(decodeControl(bytes(JSON.stringify({ v: 1, ...control })))).toBeNull()
  })

  test('may carry a close code that this release does not have', () => {
    expect(decodeControl(bytes(JSON.stringify({ v: 1, ...close, code: 4777 })))).toMatchObject({ code: 4777 })
  })

  test(`fits its bound with ${CONTROL_SESSIONS_MAX} sessions`, () => {
    const sessions = Array.from(
      { length: CONTROL_SESSIONS_MAX },
      () => `${'g'.repeat(64)}.9007199254740991` as SessionId,
    )
    expect(encodeControl({ ...close, sessions }).length).toBeLessThan(CONTROL_BYTES_MAX)
  })

  test('is answered', () => {
    for (const answer of [{ connections: 3 }, { connections: 0, code: 'unsupported' as const }])
      expect(decodeControlAnswer(bytes(encodeControlAnswer(answer)))).toEqual(answer)
  })
})
