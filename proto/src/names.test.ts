import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LIMITS } from './limits.ts'
import {
  anonymousUser,
  type GatewayId,
  isWildcard,
  parseGateway,
  parseRoom,
  parseSession,
  parseUser,
  sessionId,
} from './names.ts'

const max = LIMITS.nameBytesMax.default
const gateway = 'gw1' as GatewayId

describe('a room [P-2.3]', () => {
  test('keeps its canonical name when it is parsed again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (head, tail) => {
        const room = parseRoom(`${head}:${tail}`, max)
        if (room !== null) expect(parseRoom(room.name, max)).toEqual(room)
      }),
    )
  })

  test('is one with and without the default namespace in front', () => {
    expect(parseRoom('default:lobby', max)).toEqual(parseRoom('lobby', max))
  })

  test('keeps the default namespace where the name would read as another without it', () => {
    expect(parseRoom('default:a:b', max)).toEqual({ name: 'default:a:b', namespace: 'default', local: 'a:b' })
  })

  test.each([undefined, null, 7, true, ['lobby'], { name: 'lobby' }])('is a text, not %j', (raw) => {
    expect(parseRoom(raw, max)).toBeNull()
  })

  test.each([0, 1, 2, 3, 15, 16, 17])('is bounded in bytes of UTF-8, whatever its characters, at %i', (bound) => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀'), maxLength: 20 }), (text) => {
        expect(parseRoom(text, bound) !== null).toBe(text !== '' && Buffer.byteLength(text) <= bound)
      }),
    )
  })

  test('of another normal form is another room', () => {
    expect(parseRoom('é', max)?.name).not.toBe(parseRoom('e\u0301', max)?.name)
  })

  test.each(['__proto__', 'constructor', 'toString'])('may be called %s', (text) => {
    expect(parseRoom(text, max)).toEqual({ name: text, namespace: 'default', local: text })
  })
})

describe('a wildcard [P-2.5]', () => {
  test.each(['chat:*', 'default:*'])('is %j', (text) => {
    expect(isWildcard(text)).toBe(true)
    expect(parseRoom(text, max)).toBeNull()
  })

  test.each(['*', ':*', 'chat:a*', 'chat:**', 'chat:a:*', 'chat', '', 7, null])('is not %j', (text) => {
    expect(isWildcard(text)).toBe(false)
  })
})

describe('a user [P-2.6]', () => {
  test.each(['a', 'a:b', 'a.b', 'a b', '~gw1.7', 'josé', '\0', '{user}', '$&'])('may be called %j', (text) => {
    expect(parseUser(text, max)).toBe(text)
  })

  test.each(['', '*', 'x:*', 'a*b', '\ud83d', 7, null, undefined, {}])('may not be called %j', (raw) => {
    expect(parseUser(raw, max)).toBeNull()
  })
})

describe('a session [P-2.7]', () => {
  test('is taken apart as it was put together', () => {
    const session = sessionId(gateway, 7)
    expect(parseSession(session)).toEqual({ session: 'gw1.7', gateway: 'gw1', number: 7 })
  })

  test('names an anonymous user', () => {
    expect(anonymousUser(sessionId(gateway, 7))).toBe('~gw1.7')
  })

  test.each([
    'gw1',
    'gw1.',
    '.7',
    'gw1.0',
    'gw1.07',
    'gw1.-1',
    'gw1.1e3',
    'gw1.7.8',
    'gw 1.7',
    'gw1.9007199254740992',
    7,
  ])('is not %j', (raw) => {
    expect(parseSession(raw)).toBeNull()
  })
})

describe("a gateway's id [P-2.7]", () => {
  test.each([1, 63, 64])('may have %i characters', (length) => {
    expect(parseGateway('g'.repeat(length))).toBe('g'.repeat(length))
  })

  test.each(['', 'g'.repeat(65), 'a.b', 'a b', 'é', 'a\n', 7])('is not %j', (raw) => {
    expect(parseGateway(raw)).toBeNull()
  })
})
