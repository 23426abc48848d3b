import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { GatewayId, SessionId } from '../names.ts'
import { overLimit } from './user-limit.ts'
import type { UserSession } from './users-view.ts'

const session = (name: string, since: number): UserSession => {
  const [gateway = ''] = name.split('.')
  return { session: name as SessionId, gateway: gateway as GatewayId, since, instance: gateway }
}

const chosen = (...args: Parameters<typeof overLimit>) => overLimit(...args).map(({ session }) => session as string)
const none = new Set<string>()

describe('over the limit', () => {
  const four = [session('a.1', 10), session('b.1', 20), session('a.2', 30), session('c.1', 40)]

  test('is nobody who has no more than that', () => {
    expect(chosen(four, 4, 'oldest', none)).toEqual([])
    expect(chosen([], 1, 'newest', none)).toEqual([])
  })

  test('are the oldest, or the newest, as configured', () => {
    expect(chosen(four, 2, 'oldest', none)).toEqual(['a.1', 'b.1'])
    expect(chosen(four, 2, 'newest', none)).toEqual(['a.2', 'c.1'])
  })

  test('are never those of a draining gateway, and those do not count', () => {
    expect(chosen(four, 2, 'oldest', new Set(['a']))).toEqual([])
    expect(chosen(four, 1, 'oldest', new Set(['a']))).toEqual(['b.1'])
    expect(chosen(four, 1, 'newest', new Set(['c']))).toEqual(['b.1', 'a.2'])
  })

  test('of one millisecond, they are told apart by gateway and number', () => {
    const same = [session('b.2', 1), session('a.10', 1), session('a.9', 1)]
    expect(chosen(same, 1, 'oldest', none)).toEqual(['a.9', 'a.10'])
    expect(chosen(same, 1, 'newest', none)).toEqual(['a.10', 'b.2'])
  })
})

test('everyone chooses the same sessions, and leaves as many as the limit allows', () => {
  const sessions = fc.uniqueArray(
    fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 30 }), fc.nat({ max: 5 })),
    { selector: ([gateway, number]) => `${gateway}.${number}` },
  )
  const both = sessions.chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
  )
  fc.assert(
    fc.property(both, fc.integer({ min: 1, max: 10 }), fc.constantFrom('oldest', 'newest'), (both, max, close) => {
      const [one, other] = both.map((list) =>
        list.map(([gateway, number, since]) => session(`${gateway}.${number}`, since)),
      )
      const closed = chosen(one!, max, close, new Set(['c']))
      expect(chosen(other!, max, close, new Set(['c']))).toEqual(closed)
      const counted = one!.filter(({ instance }) => instance !== 'c').length
      expect(counted - closed.length).toBe(Math.min(counted, max))
      // Asked again while some are still closing, it chooses no others.
      const rest = one!.filter(({ session }) => session !== closed[0])
      expect(closed).toEqual(expect.arrayContaining(chosen(rest, max, close, new Set(['c']))))
    }),
  )
})
