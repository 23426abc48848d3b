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
  const flush = (nowMs: number, workMax = 1000) => watched.flush(nowMs, workMax).rest
  return { outbox, watched, are, told, flush }
}

describe('a watcher', () => {
  test('is told what is, and then what changes', () => {
    const { watched, are, told, flush } = build()
    watched.changed(are('ann'))
    const ann = fakeConnection()
    expect(watched.begin(ann)).toEqual({ members: [{ user: 'ann', connections: 1 }], count: 1 })
    expect(watched.changed(are('ann', 'ben'))).toBe(true)
    expect(told(ann)).toEqual([])
    flush(0)
    watched.changed(are('ben'))
    flush(0)
    expect(told(ann)).toEqual(['joined ben', 'left ann'])
  })

  test('that begins is not told again what it was told', () => {
    const { watched, are, told, flush } = build()
    const [ann, ben] = [fakeConnection(), fakeConnection({ number: 2, user: 'ben' })]
    watched.begin(ann)
    watched.changed(are('ann'))
    expect(watched.begin(ben).count).toBe(1)
    flush(0)
    expect([told(ann), told(ben)]).toEqual([['joined ann'], []])
  })

  test('that has ended hears nothing', () => {
    const { watched, are, told, flush } = build()
    const ann = fakeConnection()
    watched.begin(ann)
    watched.changed(are('ann'))
    watched.end(ann)
    flush(0)
    expect([watched.changed(are('ann', 'ben')), told(ann)]).toEqual([false, []])
  })

  test('gets one frame that all share, in each encoding', () => {
    const { outbox, watched, are, told, flush } = build()
    const [one, two] = [fakeConnection(), fakeConnection({ number: 2 })]
    const binary = fakeConnection({ number: 3, codec: msgpackCodec })
    for (const watcher of [one, two, binary]) watched.begin(watcher)
    watched.changed(are('ann'))
    flush(0)
    expect(outbox.rawOf(one)[0]).toBe(outbox.rawOf(two)[0])
    expect(told(binary)).toEqual(['joined ann'])
  })
})

describe('a room with too many members', () => {
  test('is told by counts and a sample, at most once a second', () => {
    const { watched, are, told, flush } = build()
    const ann = fakeConnection()
    watched.begin(ann)
    watched.changed(are('a', 'b', 'c', 'd', 'e'))
    expect(flush(0)).toBe('nothing')
    watched.changed(are('a', 'b', 'c', 'd', 'e', 'f'))
    expect(flush(999)).toBe('later')
    watched.changed(are('a', 'b', 'c', 'd', 'e', 'f', 'g'))
    expect(flush(1000)).toBe('nothing')
    expect(told(ann)).toEqual(['members a,b of 5', 'members a,b of 7'])
  })

  test('is told so to who begins', () => {
    const { watched, are } = build()
    watched.changed(are('a', 'b', 'c', 'd', 'e'))
    expect(watched.begin(fakeConnection())).toMatchObject({ members: [{ user: 'a' }, { user: 'b' }], count: 5 })
  })

  test('is told whole when it has become small, and by its changes from then on', () => {
    const { watched, are, told, flush } = build()
    const ann = fakeConnection()
    watched.changed(are('a', 'b', 'c', 'd', 'e'))
    watched.begin(ann)
    watched.changed(are('a', 'b', 'c'))
    flush(0)
    watched.changed(are('a', 'b'))
    flush(1)
    expect(told(ann)).toEqual(['members a,b,c of 3', 'left c'])
  })
})

test('more changes at once than a view has members are told as the view', () => {
  const { watched, are, told, flush } = build()
  const ann = fakeConnection()
  watched.begin(ann)
  watched.changed(are('a', 'b', 'c'))
  watched.changed(are('x', 'y', 'z'))
  flush(0)
  expect(told(ann)).toEqual(['members x,y,z of 3'])
})

describe('many watchers', () => {
  function crowd(size: number) {
    const built = build()
    const watchers = Array.from({ length: size }, (_, at) => fakeConnection({ number: at + 1 }))
    for (const watcher of watchers) built.watched.begin(watcher)
    const heard = () => watchers.map(built.told)
    return { ...built, watchers, heard }
  }

  test('are told some at a time, and each one in order', () => {
    const { watched, are, flush, heard } = crowd(5)
    watched.changed(are('ann'))
    // The change itself is work, too.
    expect(flush(0, 3)).toBe('more')
    expect(heard()).toEqual([['joined ann'], ['joined ann'], [], [], []])
    watched.changed(are('ann', 'ben'))
    expect(flush(0, 2)).toBe('more')
    expect(heard().map(({ length }) => length)).toEqual([1, 1, 1, 1, 0])
    expect(flush(0)).toBe('nothing')
    expect(heard()).toEqual(Array(5).fill(['joined ann', 'joined ben']))
  })

  test('that end meanwhile hear nothing more, also when they begin again', () => {
    const { watched, are, told, flush, watchers } = crowd(4)
    const [, , three, four] = watchers as [FakeConnection, FakeConnection, FakeConnection, FakeConnection]
    watched.changed(are('ann'))
    flush(0, 2)
    watched.end(three)
    watched.end(four)
    expect(watched.begin(four).count).toBe(1)
    flush(0)
    expect([told(three), told(four)]).toEqual([[], []])
    watched.changed(are())
    flush(0)
    expect([told(three), told(four)]).toEqual([[], ['left ann']])
  })

  test('do not keep one that begins waiting, nor is it told what it knows', () => {
    const { watched, are, told, flush, heard } = crowd(4)
    watched.changed(are('ann'))
    flush(0, 2)
    watched.changed(are('ann', 'ben'))
    const late = fakeConnection({ number: 9 })
    expect(watched.begin(late).count).toBe(2)
    watched.changed(are('ann', 'ben', 'cat'))
    flush(0)
    expect(heard()).toEqual(Array(4).fill(['joined ann', 'joined ben', 'joined cat']))
    expect(told(late)).toEqual(['joined cat'])
  })

  test('that are told too slowly are told the view instead of more changes than it has members', () => {
    const { watched, are, flush, heard } = crowd(3)
    watched.changed(are('a'))
    flush(0, 2)
    for (const users of [['b'], ['c'], ['d']]) watched.changed(are(...users))
    flush(0)
    expect(heard()).toEqual(Array(3).fill(['joined a', 'members d of 1']))
  })
})
