import { describe, expect, test } from 'vitest'
import { leaseKey } from './keys.ts'
import { createLiveness, type Liveness, type Verdict } from './liveness.ts'
import type { LeaseState, LeaseValue } from './values.ts'

function value(state: LeaseState, adopts?: string): LeaseValue {
  return { name: 'n', version: '1', state, ...(adopts === undefined ? {} : { adopts }) }
}

/** A liveness that is told of gateways in the order of revisions, by a process whose own lease is `gateway.own`. */
function world(verdict: Verdict = 'judged') {
  const liveness = createLiveness(verdict)
  let revision = 0
  const say = (instance: string, said: LeaseValue | null, atMs: number, tier: 'gateway' | 'router' = 'gateway') => {
    revision++
    return liveness.put(leaseKey(tier, instance), revision, said, atMs)
  }
  /** Our own renewals come back every 2 s, and change nothing until the last one does. */
  const pass = (fromMs: number, toMs: number) => {
    let change = liveness.ownReturned(revision, fromMs, fromMs)
    for (let at = fromMs + 2000; at <= toMs; at += 2000) {
      say('own', value('up'), at)
      change = liveness.ownReturned(revision, at, at)
    }
    return change
  }
  say('own', value('up'), 0)
  return { liveness, say, pass }
}

const counting = (liveness: Liveness, ...instances: string[]) => instances.map((one) => liveness.countsAs(one))

describe('an instance counts', () => {
  test('from its first lease on, and renewals change nothing', () => {
    const { liveness, say } = world()
    expect(liveness.countsAs('a')).toBeNull()
    expect(say('a', value('announcing'), 0)).toEqual({ counting: ['a'], routers: false })
    expect(say('a', value('announcing'), 2000).counting).toEqual([])
    expect(say('a', value('up'), 4000).counting).toEqual([])
    expect(say('a', value('draining'), 6000).counting).toEqual([])
    expect(liveness.countsAs('a')).toBe('a')
  })

  test('until it is silent, for one who judges for himself', () => {
    const { liveness, say, pass } = world('judged')
    say('a', value('up'), 0)
    expect(pass(0, 12_000).counting).toEqual(['a'])
    expect(liveness.stateOf('a')).toBe('silent')
    expect(say('a', value('up'), 12_500).counting).toEqual(['a'])
    expect(liveness.countsAs('a')).toBe('a')
  })

  test('until a router has written so, for one who waits for that', () => {
    const { liveness, say, pass } = world('written')
    say('a', value('up'), 0)
    pass(0, 12_000)
    expect(liveness.countsAs('a')).toBe('a')
    expect(liveness.silent).toMatchObject([{ key: 'gateway.a', instance: 'a', tier: 'gateway', revision: 2 }])
    expect(say('a', value('dead'), 12_500).counting).toEqual(['a'])
    expect(liveness.silent).toEqual([])
    expect(liveness.stateOf('a')).toBe('dead')
    expect(liveness.countsAs('a')).toBeNull()
  })

  test('until its lease is deleted', () => {
    const { liveness, say } = world()
    say('a', value('up'), 0)
    expect(say('a', null, 0).counting).toEqual(['a'])
    expect(say('a', null, 0).counting).toEqual([])
    expect(liveness.stateOf('a')).toBe('gone')
    expect(liveness.stateOf('b')).toBe('unknown')
  })

  test('under its successor from the announcement on, and for a while after it', () => {
    const { liveness, say, pass } = world('written')
    say('a', value('up'), 0)
    say('a', value('dead'), 0)
    expect(say('b', value('announcing', 'a'), 0).counting.toSorted()).toEqual(['a', 'b'])
    expect(counting(liveness, 'a', 'b')).toEqual(['b', 'b'])
    expect(liveness.reapable).toEqual([])
    expect(say('b', value('up', 'a'), 1000).counting).toEqual([])
    expect(pass(1500, 1500).counting).toEqual([])
    say('own', value('up'), 3000)
    expect(pass(3000, 3000).counting).toEqual(['a'])
    expect(counting(liveness, 'a', 'b')).toEqual([null, 'b'])
    expect(liveness.reapable).toMatchObject([{ instance: 'a' }])
  })

  test('under its successor also where its own lease is cleaned up meanwhile', () => {
    const { liveness, say } = world('written')
    say('a', value('up'), 0)
    say('b', value('announcing', 'a'), 0)
    expect(say('a', null, 0).counting).toEqual([])
    expect(liveness.countsAs('a')).toBe('b')
  })

  test('no more when its successor dies before it is up', () => {
    const { liveness, say } = world('written')
    say('a', value('dead'), 0)
    say('b', value('announcing', 'a'), 0)
    expect(say('b', value('dead', 'a'), 0).counting.toSorted()).toEqual(['a', 'b'])
    expect(liveness.reapable.map(({ instance }) => instance).toSorted()).toEqual(['a', 'b'])
  })
})

test('messages that come late or twice change nothing', () => {
  const liveness = createLiveness('written')
  liveness.put('gateway.a', 5, value('dead'), 0)
  expect(liveness.put('gateway.a', 4, value('up'), 0).counting).toEqual([])
  expect(liveness.put('gateway.a', 5, value('dead'), 0).counting).toEqual([])
  expect(liveness.put('gateway.a', 3, null, 0).counting).toEqual([])
  expect(liveness.stateOf('a')).toBe('dead')
})

test.each(['gateway', 'gateway.a.b', 'other.a', 'gateway.a=2E', 'gateway.'])('the key %j is no lease', (key) => {
  const liveness = createLiveness('judged')
  liveness.put(key, 1, value('up'), 0)
  expect(liveness.live('gateway')).toEqual([])
})

test('routers are told of when one comes, changes its state, falls silent or goes', () => {
  const { liveness, say, pass } = world('written')
  expect(say('r', value('announcing'), 0, 'router')).toEqual({ counting: [], routers: true })
  expect(say('r', value('up'), 0, 'router').routers).toBe(true)
  expect(say('r', value('up'), 0, 'router').routers).toBe(false)
  say('q', value('up'), 0, 'router')
  expect(liveness.live('router').map(({ instance }) => instance)).toEqual(['q', 'r'])
  expect(pass(0, 12_000)).toEqual({ counting: [], routers: true })
  expect(liveness.live('router')).toEqual([])
  expect(liveness.countsAs('r')).toBeNull()
})

test('draining gateways are listed, also those that come back from silence', () => {
  const { liveness, say } = world()
  say('a', value('draining'), 0)
  say('r', value('draining'), 0, 'router')
  expect(liveness.draining).toEqual(new Set(['a']))
  expect(liveness.countsAs('a')).toBe('a')
})

test('a return of our own with a lower revision shows a new bucket: nobody is missed, low revisions renew', () => {
  const liveness = createLiveness('judged')
  liveness.put('gateway.own', 900, value('up'), 0)
  liveness.put('gateway.a', 901, value('up'), 0)
  liveness.ownReturned(900, 0, 0)
  liveness.put('gateway.own', 1, value('up'), 3000)
  expect(liveness.ownReturned(1, 3000, 3000)).toEqual({ counting: [], routers: false })
  liveness.put('gateway.a', 2, value('up'), 4000)
  for (let at = 4000; at < 14_000; at += 2000) liveness.ownReturned(3 + at, at, at)
  expect(liveness.stateOf('a')).toBe('live')
})
