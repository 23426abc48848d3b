import {
  createPresenceStores,
  type Namespaces,
  namespacesSchema,
  parseRoom,
  type Room,
  type UserName,
} from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { join } from '../../../test/harness/fanout-fakes.ts'
import {
  type FakeConnection,
  fakeConnection,
  principalOf,
  recordingOutbox,
} from '../../../test/harness/session-fakes.ts'
import { createTopic } from '../fanout/topic.ts'
import { createLocalRooms } from './local-rooms.ts'
import { createLocalUsers } from './local-users.ts'
import { createPresence } from './presence.ts'
import { createWatchedRooms } from './watched-rooms.ts'

const lobby = parseRoom('lobby', 128) as Room
const plain = parseRoom('plain:a', 128) as Room
const { entries } = createPresenceStores()

/** Presence without NATS: what would be written counts as stored, and views are read at once. */
function build() {
  const state = { now: 0, namespaces: namespacesSchema.parse({ default: { presence: true }, plain: {} }) as Namespaces }
  const rooms = createLocalRooms(5000, () => undefined)
  const users = createLocalUsers(() => undefined)
  const watched = createWatchedRooms({
    entries,
    follower: {
      follow(room) {
        setImmediate(() => room.onRead(0))
        return { stop: () => undefined }
      },
    },
    liveness: { countsAs: (instance) => instance, stateOf: () => 'live' },
    outbox: recordingOutbox(),
    bounds: { membersMax: 10, sampleMax: 5, countsEveryMs: 1000 },
    nowMs: () => state.now,
    onSkipped: () => undefined,
  })
  const asked: string[] = []
  const presence = createPresence({
    announcer: {
      fleet: { loaded: true, instance: 'gw-1' } as never,
      writer: { whenStored: async () => undefined } as never,
    },
    rooms,
    users,
    watched,
    namespaces: () => state.namespaces,
    clock: { now: () => 1000, monotonicMs: () => state.now },
    ask: async (room) => {
      asked.push(room.name)
      return { ok: true, members: [], count: 7 }
    },
  })
  const shown = (room = lobby): string[] => [...(rooms.find(room.name)?.members.keys() ?? [])]
  const topicOf = (room: Room) =>
    createTopic(`sluice.room.${room.namespace}.${room.local}`, { kind: 'room', name: room.name })
  return { state, rooms, users, watched, presence, asked, shown, topicOf }
}

describe('who is shown', () => {
  test.each<[string, FakeConnection, string[]]>([
    ['a user', fakeConnection(), ['alice']],
    ['an anonymous user, not', fakeConnection({ user: '~gw.1' }), []],
    ['a hidden user, not', fakeConnection({ grants: { hidden: true } }), []],
    ['a connection that is closing, not', fakeConnection({ phase: 'closing' }), []],
  ])('%s', (_, connection, expected) => {
    const { presence, users, shown } = build()
    presence.opened(connection)
    presence.entered(connection, lobby)
    expect(shown()).toEqual(expected)
    expect(users.count).toBe(expected.length)
  })

  test('is one of whom a refreshed token says so', () => {
    const { presence, users, shown, topicOf } = build()
    const connection = fakeConnection({ grants: { hidden: true } })
    join(topicOf(lobby), connection)
    presence.opened(connection)
    presence.entered(connection, lobby)
    connection.principal = principalOf('alice', { info: 1 })
    presence.refreshed(connection)
    expect([shown(), users.count]).toEqual([['alice'], 1])
    connection.principal = principalOf('alice', { hidden: true })
    presence.refreshed(connection)
    expect([shown(), users.count]).toEqual([[], 0])
  })

  test('follows the namespaces', () => {
    const { state, presence, shown, topicOf } = build()
    const connection = fakeConnection()
    join(topicOf(lobby), connection)
    join(topicOf(plain), connection)
    presence.sync([connection])
    expect([shown(), shown(plain)]).toEqual([['alice'], []])
    state.namespaces = namespacesSchema.parse({ default: {}, plain: { presence: true } })
    presence.sync([connection])
    expect([shown(), shown(plain)]).toEqual([[], ['alice']])
  })
})

describe('a connection', () => {
  test('that enters twice is there once', () => {
    const { presence, rooms, shown } = build()
    const connection = fakeConnection()
    presence.entered(connection, lobby)
    presence.entered(connection, lobby)
    presence.left(connection, lobby)
    expect([shown(), rooms.lingering]).toEqual([[], 0])
  })

  test('that is closed leaves everything once, as it was first said', () => {
    const { state, presence, rooms, users, shown } = build()
    const connection = fakeConnection()
    presence.opened(connection)
    presence.entered(connection, lobby)
    presence.closed(connection, 'broken')
    presence.closed(connection, 'clean')
    expect([shown(), rooms.lingering, users.count]).toEqual([['alice'], 1, 0])
    state.now = 5000
    presence.tick()
    expect(shown()).toEqual([])
  })

  test('that closes cleanly is gone at once', () => {
    const { presence, shown } = build()
    const connection = fakeConnection()
    presence.entered(connection, lobby)
    presence.closed(connection, 'clean')
    expect(shown()).toEqual([])
  })
})

describe('a watch', () => {
  test('waits until the view holds oneself', async () => {
    const { presence, watched, rooms } = build()
    const connection = fakeConnection()
    const prepared = presence.prepareWatch(connection, lobby)
    const { group } = rooms.find(lobby.name) ?? {}
    group?.revisions.set(0, 9)
    const view = watched.hold(lobby)
    await new Promise((resolve) => setImmediate(resolve))
    view.watched.view.put({ instance: 'gw-1', chunk: 0 }, 9, [{ user: 'alice' as UserName, connections: 1 }])
    watched.recount()
    const held = await prepared
    expect(held).toBe(view)
    if (held === null) return
    expect(presence.beginWatch(connection, held)).toEqual({ members: [{ user: 'alice', connections: 1 }], count: 1 })
    expect(view.watched.watching).toBe(1)
    presence.closed(connection, 'broken')
    expect(view.watched.watching).toBe(0)
  })

  test('of one who is not shown waits for the view alone', async () => {
    const { presence } = build()
    const connection = fakeConnection({ user: '~gw.1' })
    const view = await presence.prepareWatch(connection, lobby)
    if (view === null) throw new Error('no view')
    expect(presence.beginWatch(connection, view)).toEqual({ members: [], count: 0 })
  })

  test('answers questions about its room, and without one a router does', async () => {
    const { presence, asked } = build()
    expect(await presence.ask(lobby)).toEqual({ ok: true, members: [], count: 7 })
    const connection = fakeConnection({ user: '~gw.1' })
    const view = await presence.prepareWatch(connection, lobby)
    if (view === null) throw new Error('no view')
    presence.beginWatch(connection, view)
    expect(await presence.ask(lobby)).toEqual({ ok: true, members: [], count: 0 })
    presence.left(connection, lobby)
    expect(await presence.ask(lobby)).toMatchObject({ count: 7 })
    expect(asked).toEqual(['lobby', 'lobby'])
  })
})
