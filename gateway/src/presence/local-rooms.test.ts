import { parseRoom, parseUser, type Room, type UserName } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import type { EntryGroup } from './entry-group.ts'
import { createLocalRooms } from './local-rooms.ts'

const room = (name: string): Room => parseRoom(name, 128) as Room
const user = (name: string): UserName => parseUser(name, 128) as UserName
const [ann, ben] = [user('ann'), user('ben')]
const lobby = room('lobby')

function build(lingerMs = 5000) {
  const changed: EntryGroup[] = []
  const rooms = createLocalRooms(lingerMs, (group) => {
    group.changes++
    changed.push(group)
  })
  /** The members of a room as they would be written now; what was written is taken as stored. */
  function written(name = 'lobby'): unknown[] {
    const local = rooms.find(room(name).name)
    if (local === undefined) return []
    const { group } = local
    group.chunks.rewrite()
    const texts = group.chunks.take().flatMap(({ texts }) => texts ?? [])
    return texts.map((text) => JSON.parse(text))
  }
  return { rooms, changed, written }
}

describe('a user', () => {
  test('is one member, however many connections', () => {
    const { rooms, written } = build()
    const local = rooms.enter(lobby, ann, { n: 1 })
    expect(rooms.enter(lobby, ann, { n: 2 })).toBe(local)
    rooms.enter(lobby, ben, undefined)
    expect(written()).toEqual([
      { user: 'ann', info: { n: 2 }, connections: 2 },
      { user: 'ben', connections: 1 },
    ])
    expect(rooms.count).toBe(1)
  })

  test('who leaves is gone at once', () => {
    const { rooms, written } = build()
    const local = rooms.enter(lobby, ann, undefined)
    rooms.enter(lobby, ann, undefined)
    rooms.leave(local, ann, 'clean', 0)
    expect(written()).toEqual([{ user: 'ann', connections: 1 }])
    rooms.leave(local, ann, 'clean', 0)
    expect([written(), rooms.count]).toEqual([[], 0])
    rooms.leave(local, ann, 'clean', 0)
    expect(written()).toEqual([])
  })

  test('whose info has changed is written again', () => {
    const { rooms, changed, written } = build()
    const local = rooms.enter(lobby, ann, 1)
    rooms.describe(local, ann, 1)
    expect(changed).toHaveLength(1)
    rooms.describe(local, ann, 2)
    rooms.describe(local, ben, 2)
    expect([changed.length, written()]).toEqual([2, [{ user: 'ann', info: 2, connections: 1 }]])
  })
})

describe('a connection that breaks', () => {
  test('is shown for its time', () => {
    const { rooms, changed, written } = build()
    const local = rooms.enter(lobby, ann, undefined)
    rooms.leave(local, ann, 'broken', 1000)
    expect([changed.length, rooms.lingering]).toEqual([1, 1])
    rooms.expire(5999)
    expect(written()).toHaveLength(1)
    rooms.expire(6000)
    expect([written(), rooms.lingering, rooms.count]).toEqual([[], 0, 0])
  })

  test('and is followed by another one of the user changes nothing', () => {
    const { rooms, changed, written } = build()
    const local = rooms.enter(lobby, ann, undefined)
    rooms.leave(local, ann, 'broken', 0)
    rooms.enter(lobby, ann, undefined)
    rooms.expire(10_000)
    expect([changed.length, rooms.lingering, written()]).toEqual([1, 0, [{ user: 'ann', connections: 1 }]])
  })

  test('is given up alone if another one came back', () => {
    const { rooms, written } = build()
    const local = rooms.enter(lobby, ann, undefined)
    rooms.enter(lobby, ann, undefined)
    rooms.leave(local, ann, 'broken', 0)
    rooms.leave(local, ann, 'broken', 1000)
    rooms.enter(lobby, ann, undefined)
    rooms.expire(5500)
    expect([written(), rooms.lingering]).toEqual([[{ user: 'ann', connections: 2 }], 1])
    rooms.expire(6000)
    expect([written(), rooms.lingering]).toEqual([[{ user: 'ann', connections: 1 }], 0])
  })

  test('is gone at once where nothing lingers', () => {
    const { rooms, written } = build(0)
    rooms.leave(rooms.enter(lobby, ann, undefined), ann, 'broken', 0)
    expect([written(), rooms.lingering]).toEqual([[], 0])
  })

  test('lingers in each of its rooms', () => {
    const { rooms, written } = build()
    const locals = ['lobby', 'chat:a'].map((name) => rooms.enter(room(name), ann, undefined))
    for (const local of locals) rooms.leave(local, ann, 'broken', 0)
    rooms.enter(lobby, ann, undefined)
    rooms.expire(5000)
    expect([written('lobby').length, written('chat:a').length]).toEqual([1, 0])
  })
})

describe('a room', () => {
  test('is forgotten when its entries are purged, and not before', () => {
    const { rooms } = build()
    const local = rooms.enter(lobby, ann, undefined)
    local.group.chunks.take()
    rooms.leave(local, ann, 'clean', 0)
    rooms.stored(local.group)
    expect(rooms.find(lobby.name)).toBe(local)
    local.group.chunks.take()
    local.group.stored = local.group.changes
    rooms.stored(local.group)
    expect(rooms.find(lobby.name)).toBeUndefined()
    expect([...rooms.groups]).toEqual([])
  })

  test('that is entered while its entries are purged keeps them', () => {
    const { rooms } = build()
    const local = rooms.enter(lobby, ann, undefined)
    rooms.leave(local, ann, 'clean', 0)
    local.group.chunks.take()
    expect(rooms.enter(lobby, ben, undefined)).toBe(local)
    local.group.stored = local.group.changes
    rooms.stored(local.group)
    expect(rooms.find(lobby.name)).toBe(local)
  })

  test('has keys of its own', () => {
    const { rooms } = build()
    const { group } = rooms.enter(room('chat:a.b'), ann, undefined)
    expect(group.keyOf('gw-1', 3)).toMatch(/^room\.\d+\.chat\.a=2Eb\.gw-1\.3$/)
  })
})
