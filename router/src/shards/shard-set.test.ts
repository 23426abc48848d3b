import { ROOM_SHARDS, USER_SHARDS } from '@sluice/proto'
import { beforeEach, describe, expect, test } from 'vitest'
import { type LiveRouter, ownersByShard } from './ownership.ts'
import { createRoomShard } from './room-shard.ts'
import type { ShardName } from './shard.ts'
import type { FedShard } from './shard-feed.ts'
import { createShardSet, type ShardSet } from './shard-set.ts'
import { createUserShard } from './user-shard.ts'

const ALL = ROOM_SHARDS + USER_SHARDS
const silent = { countsAs: () => null, onStep: () => undefined, onSkipped: () => undefined }
const up = (...instances: string[]): LiveRouter[] => instances.map((instance) => ({ instance, state: 'up' }))
const with_ = (state: LiveRouter['state'], instance: string): LiveRouter => ({ instance, state })

let nowMs: number
let followed: Map<ShardName, FedShard>
let loaded: { readonly name: string; readonly covered: boolean }[]
let doubted: string[]
let set: ShardSet

beforeEach(() => {
  nowMs = 0
  followed = new Map()
  loaded = []
  doubted = []
  set = createShardSet({
    feed: {
      follow(shard) {
        followed.set(shard.name, shard)
        return { stop: () => followed.delete(shard.name) }
      },
    },
    createRoomShard: (shard) => createRoomShard({ shard, ...silent }),
    createUserShard: (shard) => createUserShard({ shard, ...silent }),
    nowMs: () => nowMs,
    onLoaded: ({ scope, shard }, covered) => loaded.push({ name: `${scope}.${shard}`, covered }),
    onDoubt: ({ scope, shard }) => doubted.push(`${scope}.${shard}`),
  })
})

function load(): void {
  for (const shard of [...followed.values()]) shard.onRead(10, 0)
}

describe('a router', () => {
  test('that is alone holds every shard, and has everything once all of them are read', () => {
    set.judge('a', [with_('announcing', 'a')])
    expect(followed.size).toBe(ALL)
    expect(set.owned('room')).toBe(ROOM_SHARDS)
    expect(set.room(0)).toBeNull()
    expect(set.allLoaded).toBe(false)
    load()
    expect(set.room(0)?.revision).toBe(10)
    expect(set.allLoaded).toBe(true)
  })

  test('does not have everything before its own lease is seen', () => {
    set.judge('a', up('b', 'c'))
    expect(set.allLoaded).toBe(false)
  })

  test('that is one of four has everything when it has its half', () => {
    set.judge('a', [...up('b', 'c', 'd'), with_('announcing', 'a')])
    expect(followed.size).toBeGreaterThan(ALL / 4)
    expect(followed.size).toBeLessThan((ALL * 3) / 4)
    load()
    expect(set.allLoaded).toBe(true)
  })
})

describe('a shard that goes to another router', () => {
  beforeEach(() => {
    set.judge('a', up('a', 'b'))
    load()
  })

  test('is held and answered for until its owners have it', () => {
    set.judge('a', [...up('a', 'b'), with_('announcing', 'c')])
    nowMs = 2000
    set.release()
    expect(followed.size).toBe(ALL)
    set.judge('a', up('a', 'b', 'c'))
    nowMs = 2500
    set.release()
    expect(followed.size).toBe(ALL)
    nowMs = 3000
    set.release()
    expect(followed.size).toBe(set.owned('room') + set.owned('user'))
    expect(followed.size).toBeLessThan(ALL)
  })

  test('is held to the end by one that is leaving', () => {
    set.draining = true
    set.judge('a', [with_('draining', 'a'), ...up('b', 'c')])
    nowMs = 60_000
    set.release()
    expect(followed.size).toBe(ALL)
    expect(set.owned('room')).toBe(0)
  })
})

describe('whether a shard was told of until it was loaded', () => {
  const covered = (): Set<boolean> => new Set(loaded.map(({ covered }) => covered))

  test('is no where nobody else is there', () => {
    set.judge('a', [with_('announcing', 'a')])
    load()
    expect(covered()).toEqual(new Set([false]))
  })

  test.each(['up', 'draining'] as const)('is yes where one that is %s is', (state) => {
    set.judge('a', [with_('announcing', 'a'), with_(state, 'b')])
    load()
    expect(covered()).toEqual(new Set([true]))
  })

  test('is no where the others are as new as we are', () => {
    set.judge('a', [with_('announcing', 'a'), with_('announcing', 'b')])
    load()
    expect(covered()).toEqual(new Set([false]))
  })

  test('is no where both owners have died at once', () => {
    const before = up('a', 'b', 'c')
    set.judge('a', before)
    load()
    loaded = []
    set.judge('a', up('a'))
    load()
    expect(loaded).not.toHaveLength(0)
    expect(covered()).toEqual(new Set([false]))
  })

  test('is in doubt where the other one died soon after we had loaded', () => {
    set.judge('a', [with_('announcing', 'a'), ...up('b')])
    load()
    set.judge('a', up('a', 'b'))
    nowMs = 14_000
    set.judge('a', up('a'))
    expect(doubted).toHaveLength(ALL)
  })

  test('is not in doubt where that was long ago, or the other one has left in peace', () => {
    set.judge('a', up('a', 'b'))
    load()
    nowMs = 5000
    set.judge('a', [...up('a'), with_('draining', 'b')])
    set.judge('a', up('a'))
    set.judge('a', up('a', 'c'))
    nowMs = 60_000
    set.judge('a', up('a'))
    expect(doubted).toEqual([])
  })

  test('is not in doubt where it was our own lease that was lost', () => {
    set.judge('a', up('a'))
    load()
    set.judge('a2', [])
    set.judge('a2', up('a2'))
    expect(doubted).toEqual([])
    expect(loaded).toHaveLength(ALL)
  })
})

test('owners are the same for everyone', () => {
  const routers = up('a', 'b', 'c')
  expect(ownersByShard(routers)).toEqual(ownersByShard([...routers].reverse()))
})
