import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RoomName, UserName } from '../names.ts'
import type { RoomCount } from './api.ts'
import {
  createGathering,
  decodeGatherPart,
  decodeGatherRequest,
  encodeGatherPart,
  encodeGatherRequest,
} from './gather.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const count = (room: string): RoomCount => ({ room: room as RoomName, members: 1, connections: 1 })

describe('a request between routers', () => {
  test('is read as it was written', () => {
    const rooms = { verb: 'rooms', namespace: 'chat', after: 'chat:a' as RoomName, limit: 10 } as const
    const user = { verb: 'userRooms', user: 'alice' as UserName, limit: 1000 } as const
    for (const request of [rooms, user])
      expect(decodeGatherRequest(bytes(encodeGatherRequest(request)))).toEqual(request)
  })

  test('of a later release is told apart', () => {
    expect(decodeGatherRequest(bytes('{"v":1,"verb":"later"}'))).toBe('unsupported')
    expect(decodeGatherRequest(bytes('{"v":2,"verb":"rooms"}'))).toBe('newer')
    expect(decodeGatherRequest(bytes('{"v":1,"verb":"rooms"}'))).toBeNull()
    expect(decodeGatherRequest(bytes('{"v":1}'))).toBeNull()
  })

  test('is answered in parts', () => {
    const part = { shards: [1, 63], rooms: [count('a')], more: true }
    expect(decodeGatherPart(bytes(encodeGatherPart(part)))).toEqual(part)
    expect(decodeGatherPart(bytes('{"v":1,"shards":[64],"rooms":[]}'))).toBeNull()
    expect(decodeGatherPart(bytes('{"v":1,"shards":[],"rooms":[],"code":"unsupported"}'))).toMatchObject({ shards: [] })
  })
})

describe('a gathering', () => {
  test('is whole once every shard was spoken of, and waits for nobody else', () => {
    const gathering = createGathering(10, 3)
    expect(gathering.add({ shards: [0, 1], rooms: [count('b'), count('c')] })).toBe(false)
    expect(gathering.missing).toEqual([2])
    expect(gathering.add({ shards: [1, 0], rooms: [count('d')] })).toBe(false)
    expect(gathering.add({ shards: [1, 2], rooms: [count('a'), { ...count('c'), members: 9 }] })).toBe(true)
    expect(gathering.answer()).toEqual({ rooms: [count('a'), count('b'), count('c')] })
  })

  test('of rooms that are more than asked for tells where to go on', () => {
    const gathering = createGathering(2, 2)
    gathering.add({ shards: [0], rooms: [count('a'), count('c')] })
    gathering.add({ shards: [1], rooms: [count('b')] })
    expect(gathering.answer()).toEqual({ rooms: [count('a'), count('b')], next: 'b' })
  })

  test('page by page gives all rooms once each, however shards are owned and parts are cut', () => {
    const world = fc.record({
      rooms: fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{1,3}$/), fc.nat({ max: 3 })), {
        selector: ([room]) => room,
      }),
      owners: fc.array(fc.nat({ max: 2 }), { minLength: 4, maxLength: 4 }),
      limit: fc.integer({ min: 1, max: 5 }),
      fit: fc.integer({ min: 1, max: 5 }),
    })
    fc.assert(
      fc.property(world, ({ rooms, owners, limit, fit }) => {
        const seen: string[] = []
        let after = ''
        for (let page = 0; page <= rooms.length; page++) {
          const gathering = createGathering(limit, 4)
          for (const router of [0, 1, 2]) {
            const shards = [0, 1, 2, 3].filter(
              (shard) => owners[shard] === router || (owners[shard] ?? 0) + 1 === router,
            )
            const all = rooms.filter(([room, shard]) => shards.includes(shard) && room > after).map(([room]) => room)
            const listed = all.sort().slice(0, Math.min(limit, fit))
            const more = listed.length < all.length
            gathering.add({ shards, rooms: listed.map(count), ...(more ? { more } : {}) })
          }
          const { rooms: found, next } = gathering.answer()
          seen.push(...found.map(({ room }) => room))
          if (next === undefined) break
          after = next
        }
        expect(seen).toEqual(rooms.map(([room]) => room).sort())
      }),
    )
  })
})
