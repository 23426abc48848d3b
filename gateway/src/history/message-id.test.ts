import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type KeyScope, messageId } from './message-id.ts'

const scope: KeyScope = { kind: 'room', target: 'chat:a', sender: 'ann' }

describe('the id of a message', () => {
  test('is the same for the same key of the same publisher to the same target, and for nothing else', () => {
    const id = messageId(scope, 'k')
    expect(messageId({ ...scope }, 'k')).toBe(id)
    const others = [
      messageId({ ...scope, kind: 'user' }, 'k'),
      messageId({ ...scope, target: 'chat:b' }, 'k'),
      messageId({ ...scope, sender: 'ben' }, 'k'),
      messageId(scope, 'l'),
    ]
    expect(new Set([id, ...others]).size).toBe(5)
  })

  test('is a new one each time where there is no key', () => {
    expect(new Set(Array.from({ length: 100 }, () => messageId(scope, undefined))).size).toBe(100)
  })

  test('can stand in a header', () => {
    expect(messageId(scope, 'ключ 🔑')).toMatch(/^[A-Za-z0-9_-]{43}$/)
  })
})

/** Parts that look like each other's ends, also with what stands between them. */
const part = fc.string({ unit: fc.constantFrom('a', 'ä', ':', '1', '2', '\u0000'), minLength: 1, maxLength: 6 })

test('no two scopes and keys share an id by the way their texts are put together', () => {
  const identity = fc.tuple(fc.constantFrom('room' as const, 'user' as const), part, part, part)
  fc.assert(
    fc.property(identity, identity, fc.nat(12), fc.nat(12), (one, other, cut, move) => {
      const idOf = ([kind, target, sender, key]: readonly ['room' | 'user', string, string, string]): string =>
        messageId({ kind, target, sender }, key)
      if (one.join('\n') !== other.join('\n')) expect(idOf(one)).not.toBe(idOf(other))
      // The same text, cut elsewhere.
      const [kind, ...texts] = one
      const whole = texts.join('')
      const [first, second] = [cut % whole.length, move % whole.length].sort((a, b) => a - b) as [number, number]
      const again = [kind, whole.slice(0, first), whole.slice(first, second), whole.slice(second)] as const
      if (again.slice(1).some((text, at) => text !== texts[at])) expect(idOf(again)).not.toBe(idOf(one))
    }),
    { numRuns: 2000 },
  )
})
