import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fnv1a, ownersOf, ROOM_SHARDS, SHARD_OWNERS, shardOf, USER_SHARDS } from './shards.ts'

/** Known values of the algorithm's authors. */
test.each([
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['foobar', 0xbf9cf968],
])('the hash of %j is that of FNV-1a', (text, hash) => {
  expect(fnv1a(text)).toBe(hash)
})

test('a shard is below the number of shards', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii' }), (token) => {
      expect(shardOf(token, ROOM_SHARDS)).toBeLessThan(ROOM_SHARDS)
    }),
  )
})

test('similar names spread over the shards', () => {
  const counts = new Map<number, number>()
  for (let at = 0; at < 10_000; at++) {
    const shard = shardOf(`room-${at}`, ROOM_SHARDS)
    counts.set(shard, (counts.get(shard) ?? 0) + 1)
  }
  expect(counts.size).toBe(ROOM_SHARDS)
  expect(Math.max(...counts.values())).toBeLessThan((2 * 10_000) / ROOM_SHARDS)
})

describe('the owners of a shard', () => {
  const instance = fc.stringMatching(/^[A-Za-z0-9_-]{1,16}$/)
  const routers = fc.uniqueArray(instance, { minLength: 1, maxLength: 8 })
  const shard = fc.nat({ max: USER_SHARDS - 1 })

  test('are two, different, and the same for every order of the routers', () => {
    fc.assert(
      fc.property(routers, shard, (routers, shard) => {
        const owners = ownersOf('user', shard, routers)
        expect(owners).toHaveLength(Math.min(SHARD_OWNERS, routers.length))
        expect(new Set(owners).size).toBe(owners.length)
        expect(ownersOf('user', shard, [...routers].reverse())).toEqual(owners)
      }),
    )
  })

  test('are none where no router is', () => {
    expect(ownersOf('room', 0, [])).toEqual([])
  })

  test('change for a router that comes only where it becomes one, and for one that goes only where it was one', () => {
    fc.assert(
      fc.property(routers, instance, (routers, added) => {
        fc.pre(!routers.includes(added))
        for (let shard = 0; shard < ROOM_SHARDS; shard++) {
          const before = ownersOf('room', shard, routers)
          const after = ownersOf('room', shard, [...routers, added])
          if (after.includes(added))
            expect(before).toEqual(expect.arrayContaining(after.filter((one) => one !== added)))
          else expect(after).toEqual(before)
        }
      }),
    )
  })

  // Of 1024 shards with two owners each, five standard deviations are about 80 for 2 to 8 routers.
  test('are spread evenly, also over routers whose names differ in one character', () => {
    for (let count = 3; count <= 8; count++) {
      const routers = Array.from({ length: count }, (_, at) => `router-${at}`)
      const owned = new Map(routers.map((router) => [router, 0]))
      for (let shard = 0; shard < USER_SHARDS; shard++)
        for (const owner of ownersOf('user', shard, routers)) owned.set(owner, (owned.get(owner) ?? 0) + 1)
      const mean = (USER_SHARDS * SHARD_OWNERS) / count
      for (const shards of owned.values()) expect(Math.abs(shards - mean)).toBeLessThan(90)
    }
  })

  test('of the few shards of rooms burden no router with twice its part', () => {
    for (let count = 3; count <= 8; count++) {
      const routers = Array.from({ length: count }, (_, at) => `r${at}x`)
      const all = Array.from({ length: ROOM_SHARDS }, (_, shard) => ownersOf('room', shard, routers)).flat()
      for (const router of routers) {
        const shards = all.filter((owner) => owner === router).length
        expect(shards).toBeLessThan((2 * all.length) / count)
        expect(shards).toBeGreaterThan(all.length / count / 2)
      }
    }
  })
})
