import { createPresenceStores, type Instance, parseRoom, type Room, roomEntryKey } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { fakeConnection, recordingOutbox } from '../../../test/harness/session-fakes.ts'
import type { FollowedRoom } from './room-follower.ts'
import { createWatchedRooms } from './watched-rooms.ts'

const { entries } = createPresenceStores()
const lobby = parseRoom('lobby', 128) as Room
const encoder = new TextEncoder()
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function build() {
  const state = { now: 0, counting: new Set<Instance>(['gw-1', 'gw-2']), gone: new Set<Instance>() }
  const followed: FollowedRoom[] = []
  const stopped: FollowedRoom[] = []
  const skipped: string[] = []
  const outbox = recordingOutbox()
  const rooms = createWatchedRooms({
    entries,
    follower: {
      follow(room) {
        followed.push(room)
        return { stop: () => void stopped.push(room) }
      },
    },
    liveness: {
      countsAs: (instance) => (state.counting.has(instance) ? instance : null),
      stateOf: (instance) => (state.gone.has(instance) ? 'gone' : 'live'),
    },
    outbox,
    bounds: { membersMax: 100, sampleMax: 10, countsEveryMs: 1000 },
    nowMs: () => state.now,
    onSkipped: (why) => skipped.push(why),
  })
  function put(instance: Instance, revision: number, text: string | null, room = lobby): void {
    const subject = entries.subject(roomEntryKey({ room, instance, chunk: 0 }))
    followed.at(-1)?.onEntry(subject, text === null ? null : encoder.encode(text), revision)
  }
  const members = (...users: readonly string[]): string =>
    JSON.stringify({ v: 1, members: users.map((user) => ({ user, connections: 1 })) })
  return { state, rooms, followed, stopped, skipped, outbox, put, members }
}

describe('a room', () => {
  test('is followed once, until some seconds after nobody holds it', () => {
    const { state, rooms, followed, stopped } = build()
    const [one, two] = [rooms.hold(lobby), rooms.hold(lobby)]
    expect([one === two, followed.length, rooms.count]).toEqual([true, 1, 1])
    rooms.release(one)
    rooms.release(two)
    expect(rooms.count).toBe(0)
    state.now = 4999
    rooms.tick()
    expect(rooms.hold(lobby)).toBe(one)
    state.now = 20_000
    rooms.tick()
    rooms.release(one)
    state.now = 25_000
    rooms.tick()
    expect(stopped).toHaveLength(1)
    rooms.hold(lobby)
    expect(followed).toHaveLength(2)
  })

  test('is known when it was read', () => {
    const { rooms, followed } = build()
    rooms.hold(lobby)
    expect(rooms.find(lobby.name)).toBeUndefined()
    followed[0]?.onRead(0)
    expect(rooms.find(lobby.name)).toBeDefined()
  })

  test('is waited for until it is read and fits', async () => {
    const { rooms, followed, put, members } = build()
    const view = rooms.hold(lobby)
    const fits = rooms.whenFits(view, ({ view }) => view.get('ann') !== null, 1000)
    put('gw-1', 5, members('ann'))
    await turn()
    followed[0]?.onRead(0)
    expect(await fits).toBe(true)
  })

  test('is waited for no longer than was said', async () => {
    const { rooms } = build()
    expect(await rooms.whenFits(rooms.hold(lobby), () => true, 1)).toBe(false)
  })
})

describe('watchers', () => {
  test('are told in a later turn, once for all changes of one', async () => {
    const { rooms, followed, outbox, put, members } = build()
    const view = rooms.hold(lobby)
    followed[0]?.onRead(0)
    const ann = fakeConnection()
    view.watched.begin(ann)
    put('gw-1', 1, members('ann'))
    put('gw-2', 2, members('ann', 'ben'))
    expect(outbox.framesOf(ann)).toEqual([])
    await turn()
    expect(outbox.rawOf(ann)).toHaveLength(1)
  })

  test('see who counts no longer leave, and what an instance that is gone has left is forgotten', async () => {
    const { state, rooms, outbox, put, members } = build()
    const { watched } = rooms.hold(lobby)
    put('gw-1', 1, members('ann'))
    put('gw-2', 2, members('ben'))
    const ann = fakeConnection()
    expect(watched.begin(ann).count).toBe(2)
    state.counting.delete('gw-2')
    rooms.recount()
    await turn()
    expect(outbox.framesOf(ann)).toMatchObject([{ type: 'left', member: { user: 'ben' } }])
    expect([...watched.view.instances]).toEqual(['gw-1', 'gw-2'])
    state.gone.add('gw-2')
    state.now = 5000
    rooms.tick()
    expect([...watched.view.instances]).toEqual(['gw-1'])
  })
})

test('a new bucket takes nobody away who is written again in time', () => {
  const { state, rooms, followed, put, members } = build()
  const { watched } = rooms.hold(lobby)
  put('gw-1', 100, members('ann'))
  put('gw-2', 101, members('ben'))
  followed[0]?.onStartOver()
  expect(watched.view.count).toBe(2)
  put('gw-1', 7, members('ann'))
  state.now = 15_000
  rooms.tick()
  expect([...watched.view.members].map(({ user }) => user)).toEqual(['ann'])
})

test('what can not be read is skipped and told, and what stood there stays', () => {
  const { rooms, skipped, put, members } = build()
  const { watched } = rooms.hold(lobby)
  put('gw-1', 1, members('ann'))
  put('gw-1', 2, '{"v":2,"people":[]}')
  put('gw-1', 3, '{"v":1,"members":"all"}')
  put('gw-1', 4, members('ben'), { ...lobby, local: 'a.b.*' } as never)
  expect(skipped).toEqual(['newer', 'malformed', 'malformed'])
  expect([...watched.view.members]).toMatchObject([{ user: 'ann' }])
  put('gw-1', 5, null)
  expect(watched.view.count).toBe(0)
})
