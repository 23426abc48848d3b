import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SessionId, UserName } from '../names.ts'
import { createUsersView, type SessionChange } from './users-view.ts'
import type { EntryUser } from './values.ts'

const online = (user: string, ...sessions: [session: string, since: number][]): EntryUser => ({
  user: user as UserName,
  sessions: sessions.map(([session, since]) => ({ session: session as SessionId, since })),
})

function directory(...counting: string[]) {
  const as = new Map<string, string>(counting.map((instance) => [instance, instance]))
  return { as, view: createUsersView((instance) => as.get(instance) ?? null) }
}

const told = (changes: readonly SessionChange[]) =>
  changes.map(({ kind, session, connectionsBefore, connections }) =>
    [kind, session.session, connectionsBefore, connections].join(' '),
  )

const sessionsOf = (view: ReturnType<typeof createUsersView>, user: string) =>
  view.sessionsOf(user as UserName).map(({ session }) => session as string)

describe('a user', () => {
  test('is online by the sessions of all gateways, oldest first', () => {
    const { view } = directory('a', 'b')
    expect(told(view.put({ shard: 1, instance: 'a', chunk: 0 }, 1, [online('ann', ['a.2', 20], ['a.1', 10])]))).toEqual(
      ['connected a.1 0 2', 'connected a.2 0 2'],
    )
    expect(told(view.put({ shard: 1, instance: 'b', chunk: 0 }, 2, [online('ann', ['b.1', 15])]))).toEqual([
      'connected b.1 2 3',
    ])
    expect(view.sessionsOf('ann' as UserName)).toEqual([
      { session: 'a.1', gateway: 'a', since: 10, instance: 'a' },
      { session: 'b.1', gateway: 'b', since: 15, instance: 'b' },
      { session: 'a.2', gateway: 'a', since: 20, instance: 'a' },
    ])
    expect([view.count, view.connections]).toEqual([1, 3])
  })

  test('is offline after the last of them', () => {
    const { view, as } = directory('a', 'b')
    view.put({ shard: 1, instance: 'a', chunk: 0 }, 1, [online('ann', ['a.1', 1], ['a.2', 2])])
    view.put({ shard: 1, instance: 'b', chunk: 0 }, 2, [online('ann', ['b.1', 3])])
    expect(told(view.put({ shard: 1, instance: 'a', chunk: 0 }, 3, [online('ann', ['a.2', 2])]))).toEqual([
      'disconnected a.1 3 2',
    ])
    as.clear()
    expect(told(view.recount())).toEqual(['disconnected a.2 2 0', 'disconnected b.1 2 0'])
    expect([view.count, view.connections, [...view.users]]).toEqual([0, 0, []])
  })

  test('without a session is not online', () => {
    const { view } = directory('a')
    expect(view.put({ shard: 1, instance: 'a', chunk: 0 }, 1, [online('ann')])).toEqual([])
    expect([view.count, [...view.users], sessionsOf(view, 'ann')]).toEqual([0, [], []])
    expect(sessionsOf(view, 'bob')).toEqual([])
  })

  test('who changes nothing is told nothing of', () => {
    const { view } = directory('a')
    view.put({ shard: 1, instance: 'a', chunk: 0 }, 1, [online('ann', ['a.1', 1]), online('bob', ['a.2', 1])])
    const changes = view.put({ shard: 1, instance: 'a', chunk: 0 }, 2, [online('ann', ['a.1', 1])])
    expect(changes).toMatchObject([{ kind: 'disconnected', user: 'bob', revision: 2, asOf: 2, instances: ['a'] }])
  })
})

test('a session is there once while two instances of its gateway name it', () => {
  const { view, as } = directory('a')
  view.put({ shard: 1, instance: 'a', chunk: 0 }, 1, [online('ann', ['gw.1', 1])])
  as.set('a', 'b').set('b', 'b')
  expect(view.recount()).toEqual([])
  expect(view.put({ shard: 1, instance: 'b', chunk: 0 }, 2, [online('ann', ['gw.1', 1])])).toEqual([])
  expect(view.connections).toBe(1)
  as.delete('a')
  expect(view.recount()).toEqual([])
  expect(view.forget('a')).toEqual([])
  expect(sessionsOf(view, 'ann')).toEqual(['gw.1'])
})

test('chunks of one number in two shards are two entries', () => {
  const { view } = directory('a')
  view.put({ shard: 1, instance: 'a', chunk: 0 }, 1, [online('ann', ['a.1', 1])])
  view.put({ shard: 2, instance: 'a', chunk: 0 }, 2, [online('bob', ['a.2', 1])])
  expect(view.count).toBe(2)
  expect(view.revisionOf({ shard: 1, instance: 'a', chunk: 0 })).toBe(1)
  expect(told(view.put({ shard: 2, instance: 'a', chunk: 0 }, 3, null))).toEqual(['disconnected a.2 1 0'])
  view.prune(3)
  expect([...view.instances]).toEqual(['a'])
  expect(view.empty).toBe(false)
})

test('in a bucket that has begun anew, who is not written again goes offline when it settles', () => {
  const { view } = directory('a', 'b')
  view.put({ shard: 1, instance: 'a', chunk: 0 }, 900, [online('ann', ['a.1', 1])])
  view.put({ shard: 1, instance: 'b', chunk: 0 }, 901, [online('ann', ['b.1', 1])])
  view.startOver()
  expect(view.put({ shard: 1, instance: 'a', chunk: 0 }, 1, [online('ann', ['a.1', 1])])).toEqual([])
  expect(told(view.settle())).toEqual(['disconnected b.1 2 1'])
})

test('sessions are in one order, however the entries came', () => {
  const session = fc.tuple(fc.constantFrom('a', 'b', 'B'), fc.integer({ min: 1, max: 12 }), fc.nat({ max: 3 }))
  fc.assert(
    fc.property(fc.uniqueArray(session, { selector: ([gateway, number]) => `${gateway}.${number}` }), (sessions) => {
      const orders = [sessions, [...sessions].reverse()].map((sessions) => {
        const { view } = directory('a', 'b', 'B')
        for (const [at, [gateway, number, since]] of sessions.entries())
          view.put({ shard: 0, instance: gateway, chunk: number }, at + 1, [
            online('u', [`${gateway}.${number}`, since]),
          ])
        return sessionsOf(view, 'u')
      })
      expect(orders[0]).toHaveLength(sessions.length)
      expect(orders[1]).toEqual(orders[0])
    }),
  )
})
