import { API_ANSWER_BYTES_MAX, encodeGatherPart, type RoomName, roomShard } from '@sluice/proto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { roomKey, roomName, roomOf, roomValue, userOf } from '../../../test/harness/presence-values.ts'
import { createRoomShard, type RoomShard } from '../shards/room-shard.ts'
import { firstRooms, gatherPart } from './room-list.ts'

/** The shards of rooms with the users who are in them. */
function shardsOf(rooms: Readonly<Record<string, readonly string[]>>): RoomShard[] {
  const shards = new Map<number, RoomShard>()
  let revision = 0
  for (const [name, users] of Object.entries(rooms)) {
    const number = roomShard(roomOf(name))
    const shard =
      shards.get(number) ??
      createRoomShard({ shard: number, countsAs: () => 'a', onStep: () => undefined, onSkipped: () => undefined })
    shards.set(number, shard)
    shard.put(roomKey(name, 'a'), roomValue(...users), ++revision)
  }
  return [...shards.values()]
}

describe('the first of many names', () => {
  test('are those that sorting all of them would give', () => {
    void fc.assert(
      fc.property(fc.array(fc.uniqueArray(fc.string())), fc.integer({ min: 1, max: 20 }), (lists, limit) => {
        const sorted = lists.map((names, at) => names.map((name) => `${name}${at}` as RoomName).sort())
        const { rooms, more } = firstRooms(sorted, limit)
        const all = sorted.flat().sort()
        expect(rooms).toEqual(all.slice(0, limit))
        expect(more).toBe(all.length > limit)
      }),
    )
  })
})

describe('a part', () => {
  const shards = shardsOf({
    lobby: ['ann', 'bob'],
    hall: ['ann'],
    'chat:lobby': ['ann'],
    'chat:hall': ['bob'],
    'chat:attic': [],
  })

  test('lists the occupied rooms of a namespace in order, with their counts', () => {
    const part = gatherPart(shards, { verb: 'rooms', namespace: 'chat', limit: 10 })
    expect(part.rooms).toEqual([
      { room: 'chat:hall', members: 1, connections: 1 },
      { room: 'chat:lobby', members: 1, connections: 1 },
    ])
    expect(part.more).toBeUndefined()
    expect(part.shards).toEqual(shards.map(({ shard }) => shard))
  })

  test('begins after a name, and says that there are more', () => {
    const request = { verb: 'rooms', namespace: 'default', limit: 1 } as const
    expect(gatherPart(shards, request)).toMatchObject({ rooms: [{ room: 'hall' }], more: true })
    expect(gatherPart(shards, { ...request, after: roomName('hall') }).rooms).toMatchObject([{ room: 'lobby' }])
  })

  test('lists the rooms of a user in any namespace', () => {
    const part = gatherPart(shards, { verb: 'userRooms', user: userOf('ann'), limit: 10 })
    expect(part.rooms.map(({ room }) => room)).toEqual(['chat:lobby', 'hall', 'lobby'])
  })

  test('fits one message, however long the names are', () => {
    const long = Object.fromEntries(
      Array.from({ length: 1000 }, (_, at) => [`${at}`.padStart(4, '0') + '"'.repeat(124), ['ann']]),
    )
    const part = gatherPart(shardsOf(long), { verb: 'rooms', namespace: 'default', limit: 1000 })
    expect(Buffer.byteLength(encodeGatherPart(part))).toBeLessThan(API_ANSWER_BYTES_MAX)
    expect(part.more ?? part.rooms.length === 1000).toBe(true)
  })
})
