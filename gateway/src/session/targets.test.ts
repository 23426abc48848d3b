import { describe, expect, test } from 'vitest'
import { isRefusal, recipientOf, roomOf } from './targets.ts'

describe('the room of a frame', () => {
  test.each([
    ['lobby', 'lobby'],
    ['default:lobby', 'lobby'],
    ['chat:lobby', 'chat:lobby'],
    ['chat:a:b', 'chat:a:b'],
  ])('%s is %s', (raw, name) => {
    expect(roomOf(raw, 128)).toMatchObject({ name })
  })

  test.each([
    ['', 'bad_request'],
    [':a', 'bad_request'],
    ['chat:', 'bad_request'],
    ['a*b', 'bad_request'],
    ['*', 'bad_request'],
    ['a:b:*', 'bad_request'],
    [':*', 'bad_request'],
    ['\ud800', 'bad_request'],
    ['x'.repeat(129), 'bad_request'],
    ['é'.repeat(65), 'bad_request'],
    ['chat:*', 'unsupported'],
  ])('is none in %j: %s', (raw, code) => {
    expect(roomOf(raw, 128)).toMatchObject({ ok: false, code })
  })

  test('may be as long as the limit', () => {
    expect(roomOf('x'.repeat(128), 128)).toMatchObject({ local: 'x'.repeat(128) })
    expect(roomOf('é'.repeat(64), 128)).toMatchObject({ local: 'é'.repeat(64) })
  })
})

describe('the recipient of a frame', () => {
  test('is a user', () => {
    expect(recipientOf({ user: 'bob' }, 128)).toEqual({ user: 'bob' })
  })

  test('is a session', () => {
    expect(recipientOf({ session: 'gw1.12' }, 128)).toEqual({ session: 'gw1.12', gateway: 'gw1', number: 12 })
  })

  test.each([
    {},
    { user: 'bob', session: 'gw1.12' },
    { user: '' },
    { user: '*' },
    { user: 'x'.repeat(129) },
    { session: 'gw1' },
    { session: 'gw1.0' },
    { session: 'gw1.01' },
    { session: 'g.w.1' },
    { session: 'gw1.99999999999999999' },
    { session: 'gw1.>' },
  ])('is none in %j', (frame) => {
    expect(recipientOf(frame, 128)).toMatchObject({ ok: false, code: 'bad_request' })
  })
})

test('a refusal is told from what was looked for', () => {
  expect(isRefusal(roomOf('', 128))).toBe(true)
  expect(isRefusal(roomOf('ok', 128))).toBe(false)
  expect(isRefusal(recipientOf({ user: 'ok' }, 128))).toBe(false)
})
