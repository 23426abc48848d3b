import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRoom, parseUser } from '../names.ts'
import {
  CHUNK_MAX,
  keyFilters,
  leaseKey,
  parseLeaseKey,
  parseRoomEntryKey,
  parseUserEntryKey,
  roomEntryKey,
  roomShard,
  userEntryKey,
  userShard,
} from './keys.ts'

const name = fc.oneof(
  fc.string({ minLength: 1, maxLength: 24 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
)
const room = name.map((text) => parseRoom(text, 128)).filter((room) => room !== null)
const instance = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)
const chunk = fc.nat({ max: CHUNK_MAX })

/** Whether a filter of NATS fits a key. */
function fits(filter: string, key: string): boolean {
  const [want, have] = [filter.split('.'), key.split('.')]
  for (const [at, token] of want.entries()) {
    if (token === '>') return have.length > at
    if (have[at] === undefined || (token !== '*' && token !== have[at])) return false
  }
  return want.length === have.length
}

describe("a room's key", () => {
  test('is read as it was written, whatever the room is called, and fits its filters', () => {
    fc.assert(
      fc.property(room, instance, chunk, (room, instance, chunk) => {
        const key = roomEntryKey({ room, instance, chunk })
        expect(parseRoomEntryKey(key)).toEqual({ room, shard: roomShard(room), instance, chunk })
        expect(key).toMatch(/^room\.[0-9]{1,2}(?:\.[A-Za-z0-9_=-]+){4}$/)
        for (const filter of [
          keyFilters.all(),
          keyFilters.room(room),
          keyFilters.roomShard(roomShard(room)),
          keyFilters.instanceRooms(roomShard(room), instance),
        ])
          expect(fits(filter, key)).toBe(true)
        expect(fits(keyFilters.instanceRooms(roomShard(room), `${instance}x`), key)).toBe(false)
        expect(fits(keyFilters.room({ namespace: room.namespace, local: `${room.local}x` }), key)).toBe(false)
      }),
    )
  })

  const shard = roomShard({ local: 'lobby' })
  test.each([
    '',
    'room',
    `room.${shard}.chat.lobby.gw`,
    `room.${shard}.chat.lobby.gw.0.0`,
    `room.${(shard + 1) % 64}.chat.lobby.gw.0`,
    `room.0${shard}.chat.lobby.gw.0`,
    `room.${shard}.chat.lobby.gw.00`,
    `room.${shard}.chat.lobby.gw.-1`,
    `room.${shard}.chat.lobby.gw.10000`,
    `room.${shard}.chat.lobby.g=2Ew.0`,
    `room.${shard}.chat.lobby..0`,
    `room.${shard}.chat.=6Cobby.gw.0`,
    `room.${shard}.a=3Ab.lobby.gw.0`,
    `user.${shard}.chat.lobby.gw.0`,
    `room.${roomShard({ local: 'a*' })}.chat.a=2A.gw.0`,
  ])('is not %j', (key) => {
    expect(parseRoomEntryKey(key)).toBeNull()
  })

  test('may be that of a room of the namespace default with or without colons', () => {
    for (const text of ['lobby', 'default:lobby', 'default:a:b', 'x'.repeat(128), 'chat:a:b']) {
      const room = parseRoom(text, 128)!
      expect(parseRoomEntryKey(roomEntryKey({ room, instance: 'gw', chunk: 0 }))?.room).toEqual(room)
    }
  })
})

describe("a user's key", () => {
  test('is read as it was written, and fits its filters', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1023 }), instance, chunk, (shard, instance, chunk) => {
        const key = userEntryKey({ shard, instance, chunk })
        expect(parseUserEntryKey(key)).toEqual({ shard, instance, chunk })
        expect(fits(keyFilters.userShard(shard), key)).toBe(true)
        expect(fits(keyFilters.instanceUsers(shard, instance), key)).toBe(true)
      }),
    )
  })

  test.each([
    'user.1024.gw.0',
    'user.01.gw.0',
    'user.1.gw',
    'user.1.gw.0.0',
    'user.1.g w.0',
    'room.1.gw.0',
    'user.x.gw.0',
  ])('is not %j', (key) => {
    expect(parseUserEntryKey(key)).toBeNull()
  })

  test('has the shard of the user', () => {
    expect(userShard(parseUser('alice', 128)!)).toBeLessThan(1024)
  })
})

describe('the key of a lease', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(fc.constantFrom('gateway', 'router'), instance, (tier, instance) => {
        expect(parseLeaseKey(leaseKey(tier, instance))).toEqual({ tier, instance })
        expect(fits(keyFilters.tier(tier), leaseKey(tier, instance))).toBe(true)
      }),
    )
  })

  test.each(['', 'gateway', 'gateway.', 'gateway.a.b', 'broker.a', 'gateway.a b'])('is not %j', (key) => {
    expect(parseLeaseKey(key)).toBeNull()
  })

  test.each(['', 'a.b', '*', '>', 'a b', 'x'.repeat(65)])('is not made of the instance %j', (instance) => {
    expect(() => leaseKey('gateway', instance)).toThrow(RangeError)
    expect(() => userEntryKey({ shard: 0, instance, chunk: 0 })).toThrow(RangeError)
    expect(() => keyFilters.instanceUsers(0, instance)).toThrow(RangeError)
  })
})
