import { ROOM_SHARDS } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { ALL_SHARDS, canRelease, crashedAmong, holdersOf, type LiveRouter, ownersByShard } from './ownership.ts'

const up = (...instances: string[]): LiveRouter[] => instances.map((instance) => ({ instance, state: 'up' }))
const draining = (instance: string): LiveRouter => ({ instance, state: 'draining' })
const announcing = (instance: string): LiveRouter => ({ instance, state: 'announcing' })

describe('owners', () => {
  test('are two for each shard, of those that stay', () => {
    const owners = ownersByShard([...up('a', 'b', 'c'), announcing('d'), draining('e')])
    expect(owners.size).toBe(ALL_SHARDS.length)
    for (const of of owners.values()) expect(of).toHaveLength(2)
    const all = new Set([...owners.values()].flat())
    expect([...all].sort()).toEqual(['a', 'b', 'c', 'd'])
  })

  test('are none where all are leaving', () => {
    expect(new Set([...ownersByShard([draining('a')]).values()].flat())).toEqual(new Set())
  })
})

describe('a shard that we own no longer', () => {
  test('is let go when both owners have all of theirs', () => {
    expect(canRelease(['a', 'b'], up('a', 'b'))).toBe(true)
  })

  test.each<[string, string[], LiveRouter[]]>([
    ['one of the owners is still loading', ['a', 'b'], [...up('a'), announcing('b')]],
    ['an owner has gone', ['a', 'b'], up('a')],
    ['nobody owns it', [], []],
  ])('is kept while %s', (_, owners, routers) => {
    expect(canRelease(owners, routers)).toBe(false)
  })
})

describe('holders', () => {
  test('are the owners, and those who still are while another leaves', () => {
    const before = up('a', 'b', 'c')
    const leaving = [...up('b', 'c'), draining('a')]
    for (let shard = 0; shard < ROOM_SHARDS; shard++) {
      const were = holdersOf('room', shard, before)
      const are = holdersOf('room', shard, leaving)
      for (const holder of were) expect(are).toContain(holder)
    }
  })

  test('are not those that have nothing loaded yet', () => {
    expect(holdersOf('room', 0, [announcing('a')])).toEqual(new Set())
  })
})

test('who goes without having said so has crashed', () => {
  const before = [...up('a', 'b'), draining('c')]
  expect(crashedAmong(before, up('a')).map(({ instance }) => instance)).toEqual(['b'])
})
