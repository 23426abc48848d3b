import { createPresenceStores, type Instance, parseRoom, type Room, roomEntryKey } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { fakeConnection, recordingOutbox } from '../../../test/harness/session-fakes.ts'
import type { FollowedRoom } from './room-follower.ts'
import { createWatchedRooms, WORK_PER_TURN } from './watched-rooms.ts'

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

const subjectOf = (room: Room): string => entries.subject(roomEntryKey({ room, instance: 'gw-1', chunk: 0 }))

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

  test('are told some in each turn, and those of a small room do not wait for all of a big one', async () => {
    const { rooms, followed, outbox, put, members } = build()
    const other = parseRoom('other', 128) as Room
    const big = rooms.hold(lobby)
    const crowd = Array.from({ length: 3 * WORK_PER_TURN }, (_, at) => fakeConnection({ number: at + 1 }))
    for (const watcher of crowd) big.watched.begin(watcher)
    const small = rooms.hold(other)
    const ann = fakeConnection({ number: crowd.length + 1 })
    small.watched.begin(ann)
    const heard = (): number => crowd.filter((watcher) => outbox.rawOf(watcher).length > 0).length
    const told = [followed[0], followed[1]]
    told[0]?.onEntry(subjectOf(lobby), encoder.encode(members('ben')), 1)
    told[1]?.onEntry(subjectOf(other), encoder.encode(members('ben')), 2)
    await turn()
    expect([heard(), outbox.rawOf(ann).length]).toEqual([WORK_PER_TURN - 1, 0])
    await turn()
    expect([heard() < crowd.length, outbox.rawOf(ann).length]).toEqual([true, 1])
    for (let at = 0; at < 3; at++) await turn()
    expect(heard()).toBe(crowd.length)
    put('gw-1', 3, members('ben', 'cat'), other)
    await turn()
    expect(outbox.rawOf(ann)).toHaveLength(2)
  })

  test('of a room with too many members are told counts when it is time', async () => {
    const { state, rooms, outbox, put, members } = build()
    const { watched } = rooms.hold(lobby)
    const ann = fakeConnection()
    watched.begin(ann)
    const users = Array.from({ length: 103 }, (_, at) => `user${at}`)
    for (const count of [101, 102, 103]) {
      put('gw-1', count, members(...users.slice(0, count)))
      await turn()
    }
    const counts = () => outbox.framesOf(ann).map((frame) => frame.type === 'members' && frame.count)
    expect(counts()).toEqual([101])
    state.now = 1000
    rooms.tick()
    await turn()
    expect(counts()).toEqual([101, 103])
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
  state.now = 60_000
  rooms.tick()
  // It has not been read yet.
  expect(watched.view.count).toBe(2)
  followed[0]?.onRead(0)
  state.now = 74_999
  rooms.tick()
  expect(watched.view.count).toBe(2)
  state.now = 75_000
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
