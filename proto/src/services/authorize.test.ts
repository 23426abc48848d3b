import { describe, expect, test } from 'vitest'
import { INFO_BYTES_MAX, REASON_CHARS_MAX } from '../limits.ts'
import type { RoomName, SessionId, UserName } from '../names.ts'
import { bytesPayload, jsonPayload } from '../payload.ts'
import {
  ANSWER_BYTES_MAX,
  type AuthorizeQuestion,
  decodeAuthorizeAnswer,
  encodeAuthorizeQuestion,
  RIGHT_MS_MAX,
} from './authorize.ts'

const ann = { user: 'a"nn' as UserName, session: 'gw.1' as SessionId, claims: '{"sub":"a\\u0022nn"}' }
const read = (text: string) => decodeAuthorizeAnswer(new TextEncoder().encode(text))

describe('a question', () => {
  test.each<[Partial<AuthorizeQuestion>, object]>([
    [{}, {}],
    [{ claims: null }, { claims: null }],
    [
      { room: 'chat:"' as RoomName, event: 'note' },
      { room: 'chat:"', event: 'note' },
    ],
    [{ payload: jsonPayload('{ "é": 1 }') }, { data: { é: 1 } }],
    [{ payload: bytesPayload(Uint8Array.of(0, 255)) }, { bytes: 'AP8=' }],
  ])('about %j is JSON with %j', (fields, more) => {
    const text = encodeAuthorizeQuestion({ ...ann, ...fields })
    expect(JSON.parse(text)).toEqual({ user: 'a"nn', session: 'gw.1', claims: { sub: 'a"nn' }, ...more })
  })

  test('holds the data as it was written', () => {
    expect(encodeAuthorizeQuestion({ ...ann, payload: jsonPayload('[ 1.00 ]') })).toContain('"data":[ 1.00 ]')
  })
})

describe('an answer', () => {
  test('allows for its time, with its info and its bounds', () => {
    expect(read('{"allow":true}')).toEqual({ allow: true, right: { ttlMs: null, info: undefined, limits: {} } })
    expect(read('{"allow":true,"ttlMs":5,"info":[1],"limits":{"publishesPerSecond":0.5,"more":1},"more":1}')).toEqual({
      allow: true,
      right: { ttlMs: 5, info: [1], limits: { publishesPerSecond: 0.5 } },
    })
    expect(read('{"allow":true,"ttlMs":1e300}')).toMatchObject({ right: { ttlMs: RIGHT_MS_MAX } })
  })

  test('refuses, with a reason of bounded length', () => {
    expect(read('{"allow":false}')).toEqual({ allow: false, reason: null })
    expect(read(`{"allow":false,"reason":"${'😀'.repeat(1000)}"}`)).toEqual({
      allow: false,
      reason: '😀'.repeat(REASON_CHARS_MAX / 2),
    })
  })

  test.each([
    '',
    'null',
    'true',
    '[true]',
    '{}',
    '{"allow":"true"}',
    '{"allow":1}',
    '{"allow":true,"ttlMs":-1}',
    '{"allow":true,"ttlMs":"60"}',
    '{"allow":true,"limits":null}',
    '{"allow":true,"limits":{"publishesPerSecond":0}}',
    '{"allow":true,"limits":{"payloadBytesMax":1.5}}',
    `{"allow":true,"info":"${'x'.repeat(INFO_BYTES_MAX)}"}`,
    `{"allow":true,"x":${'['.repeat(300)}${']'.repeat(300)}}`,
    `{"allow":true,"x":"${'x'.repeat(ANSWER_BYTES_MAX)}"}`,
    '\ufeff{"allow":true}',
  ])('%j is none', (text) => {
    expect(read(text)).toBeNull()
  })
})
