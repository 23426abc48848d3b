import { createRoomView, type EntryMember, type MemberChange, parseRoom, type Room, type RoomView } from '@sluice/proto'
import { msgpackCodec } from '@sluice/proto/msgpack'
import { describe, expect, test } from 'vitest'
import { type FakeConnection, fakeConnection, recordingOutbox } from '../../../test/harness/session-fakes.ts'
import { createWatchedRoom, type WatchBounds } from './watched-room.ts'

const BOUNDS: WatchBounds = { membersMax: 4, sampleMax: 2, countsEveryMs: 1000 }
const lobby = parseRoom('lobby', 128) as Room

function build(bounds = BOUNDS) {
  const outbox = recordingOutbox()
  const view: RoomView = createRoomView((instance) => instance)
  const watched = createWatchedRoom(lobby, view, outbox, bounds)
  let revision = 0
  /** The room has these members now. */
  function are(...users: readonly string[]): MemberChange[] {
    revision++
    const members = users.map((user) => ({ user, connections: 1 }) as EntryMember)
    return view.put({ instance: 'gw-1', chunk: 0 }, revision, members)
  }
  const told = (watcher: FakeConnection): string[] =>
    outbox.framesOf(watcher).map((frame) => {
      if (frame.type === 'joined' || frame.type === 'left') return `${frame.type} ${frame.member.user}`
      return frame.type === 'members'
        ? `members ${frame.members.map(({ user }) => user)} of ${frame.count}`
        : frame.type
    })
  return { outbox, watched, are, told }
}

describe('a watcher', () => {
  test('is told what is, and then what changes', () => {
    const { watched, are, told } = build()
    watched.changed(are('ann'))
    const ann = fakeConnection()
    expect(watched.begin(ann)).toEqual({ members: [{ user: 'ann', connections: 1 }], count: 1 })
    expect(watched.changed(are('ann', 'ben'))).toBe(true)
    expect(told(ann)).toEqual([])
    watched.flush(0)
    watched.changed(are('ben'))
    watched.flush(0)
    expect(told(ann)).toEqual(['joined ben', 'left ann'])
  })

  test('that begins is not told again what it was told', () => {
    const { watched, are, told } = build()
    const [ann, ben] = [fakeConnection(), fakeConnection({ number: 2, user: 'ben' })]
    watched.begin(ann)
    watched.changed(are('ann'))
    expect(watched.begin(ben).count).toBe(1)
    expect(told(ann)).toEqual(['joined ann'])
    watched.flush(0)
    expect([told(ann), told(ben)]).toEqual([['joined ann'], []])
  })

  test('that has ended hears nothing', () => {
    const { watched, are, told } = build()
    const ann = fakeConnection()
    watched.begin(ann)
    watched.changed(are('ann'))
    watched.end(ann)
    watched.flush(0)
    expect([watched.changed(are('ann', 'ben')), told(ann)]).toEqual([false, []])
  })

  test('gets one frame that all share, in each encoding', () => {
    const { outbox, watched, are, told } = build()
    const [one, two] = [fakeConnection(), fakeConnection({ number: 2 })]
    const binary = fakeConnection({ number: 3, codec: msgpackCodec })
    for (const watcher of [one, two, binary]) watched.begin(watcher)
    watched.changed(are('ann'))
    watched.flush(0)
    expect(outbox.rawOf(one)[0]).toBe(outbox.rawOf(two)[0])
    expect(told(binary)).toEqual(['joined ann'])
  })
})

describe('a room with too many members', () => {
  test('is told by counts and a sample, at most once a second', () => {
    const { watched, are, told } = build()
    const ann = fakeConnection()
    watched.begin(ann)
    watched.changed(are('a', 'b', 'c', 'd', 'e'))
    expect(watched.flush(0)).toBe(false)
    watched.changed(are('a', 'b', 'c', 'd', 'e', 'f'))
    expect(watched.flush(999)).toBe(true)
    watched.changed(are('a', 'b', 'c', 'd', 'e', 'f', 'g'))
    expect(watched.flush(1000)).toBe(false)
    expect(told(ann)).toEqual(['members a,b of 5', 'members a,b of 7'])
  })

  test('is told so to who begins', () => {
    const { watched, are } = build()
    watched.changed(are('a', 'b', 'c', 'd', 'e'))
    expect(watched.begin(fakeConnection())).toMatchObject({ members: [{ user: 'a' }, { user: 'b' }], count: 5 })
  })

  test('is told whole when it has become small, and by its changes from then on', () => {
    const { watched, are, told } = build()
    const ann = fakeConnection()
    watched.changed(are('a', 'b', 'c', 'd', 'e'))
    watched.begin(ann)
    watched.changed(are('a', 'b', 'c'))
    watched.flush(0)
    watched.changed(are('a', 'b'))
    watched.flush(1)
    expect(told(ann)).toEqual(['members a,b,c of 3', 'left c'])
  })
})

test('more changes at once than a view has members are told as the view', () => {
  const { watched, are, told } = build()
  const ann = fakeConnection()
  watched.begin(ann)
  watched.changed(are('a', 'b', 'c'))
  watched.changed(are('x', 'y', 'z'))
  watched.flush(0)
  expect(told(ann)).toEqual(['members x,y,z of 3'])
})
