import type { RoomName } from '@sluice/proto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FakeSocket } from '../../../test/harness/session-fakes.ts'
import {
  beginJoin,
  createTopic,
  finishJoin,
  isEmpty,
  isMember,
  JOINING,
  leaveAll,
  leaveTopic,
  type Member,
  type Topic,
} from './topic.ts'

function member(number = 1): Member {
  return {
    socket: new FakeSocket(),
    queue: null,
    queueBytes: 0,
    queued: 'no',
    session: `gw.${number}`,
    user: `user-${number}`,
    binary: false,
    deflateBytesMax: 0,
    topics: [],
    slots: [],
  }
}

function topic(name = 'lobby'): Topic {
  return createTopic(`sluice.room.default.${name}`, { kind: 'room', name: name as RoomName })
}

function join(one: Member, lobby: Topic): void {
  beginJoin(one, lobby)
  finishJoin(one, lobby)
}

describe('a member', () => {
  test('that is joining holds the topic and receives nothing', () => {
    const [one, lobby] = [member(), topic()]
    beginJoin(one, lobby)
    expect(isMember(one, lobby)).toBe(false)
    expect(isEmpty(lobby)).toBe(false)
    expect(lobby.members).toEqual([])
  })

  test('that has joined receives', () => {
    const [one, lobby] = [member(), topic()]
    beginJoin(one, lobby)
    expect(finishJoin(one, lobby)).toBe(true)
    expect(isMember(one, lobby)).toBe(true)
    expect(lobby.members).toEqual([one])
    expect(lobby.joining).toBe(0)
  })

  test('that was closed while it was joining is no member', () => {
    const [one, lobby] = [member(), topic()]
    beginJoin(one, lobby)
    leaveAll(one)
    expect(finishJoin(one, lobby)).toBe(false)
    expect(isEmpty(lobby)).toBe(true)
  })

  test('does not finish twice', () => {
    const [one, lobby] = [member(), topic()]
    join(one, lobby)
    expect(finishJoin(one, lobby)).toBe(false)
    expect(lobby.members).toEqual([one])
  })

  test('that leaves where it is not changes nothing', () => {
    const [one, two, lobby] = [member(1), member(2), topic()]
    join(one, lobby)
    leaveTopic(two, lobby)
    expect(lobby.members).toEqual([one])
  })
})

test('while a message is read to the members, their array does not change', () => {
  const [one, two, three, lobby] = [member(1), member(2), member(3), topic()]
  join(one, lobby)
  join(two, lobby)
  const read = lobby.members
  lobby.readers++
  join(three, lobby)
  leaveTopic(one, lobby)
  expect(read).toEqual([one, two])
  expect(new Set(lobby.members)).toEqual(new Set([two, three]))
  expect(lobby.readers).toBe(0)
})

// The model: for each member and topic nothing, joining or joined.
type Standing = 'joining' | 'joined' | undefined

const MEMBERS = 5
const TOPICS = 3

const step = fc.record({
  kind: fc.constantFrom('begin', 'finish', 'leave', 'leaveAll', 'read', 'readDone'),
  who: fc.nat(MEMBERS - 1),
  where: fc.nat(TOPICS - 1),
})

test('members and their places agree after any course of joins, leaves, closes and reads', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
      const members = Array.from({ length: MEMBERS }, (_, at) => member(at))
      const topics = Array.from({ length: TOPICS }, (_, at) => topic(`room-${at}`))
      const standings = members.map((): Standing[] => topics.map(() => undefined))
      const reads: { topic: Topic; array: Member[]; copy: Member[] }[] = []

      for (const { kind, who, where } of steps) {
        const [one, lobby, standing] = [members[who] as Member, topics[where] as Topic, standings[who] as Standing[]]
        if (kind === 'begin' && standing[where] === undefined) {
          beginJoin(one, lobby)
          standing[where] = 'joining'
        } else if (kind === 'finish') {
          expect(finishJoin(one, lobby)).toBe(standing[where] === 'joining')
          if (standing[where] === 'joining') standing[where] = 'joined'
        } else if (kind === 'leave') {
          leaveTopic(one, lobby)
          standing[where] = undefined
        } else if (kind === 'leaveAll') {
          leaveAll(one)
          standing.fill(undefined)
        } else if (kind === 'read') {
          lobby.readers++
          reads.push({ topic: lobby, array: lobby.members, copy: [...lobby.members] })
        } else if (kind === 'readDone') {
          const read = reads.shift()
          if (read !== undefined && read.topic.members === read.array) read.topic.readers--
        }
        consistent(members, topics, standings)
        for (const { array, copy } of reads) {
          expect(array.length === copy.length && array.every((one, at) => one === copy[at])).toBe(true)
        }
      }
    }),
    { numRuns: 50 },
  )
})

function consistent(members: readonly Member[], topics: readonly Topic[], standings: readonly Standing[][]): void {
  for (const [where, lobby] of topics.entries()) {
    const joined = members.filter((_, who) => standings[who]?.[where] === 'joined')
    const joining = members.filter((_, who) => standings[who]?.[where] === 'joining')
    expect(lobby.members).toHaveLength(joined.length)
    expect(joined.every((one) => lobby.members.includes(one))).toBe(true)
    expect(lobby.joining).toBe(joining.length)
    expect(isEmpty(lobby)).toBe(joined.length + joining.length === 0)
    expect(lobby.readers).toBeGreaterThanOrEqual(0)
    for (const one of members) expect(isMember(one, lobby)).toBe(joined.includes(one))
  }
  for (const one of members) {
    expect(one.slots).toHaveLength(one.topics.length)
    for (const [at, lobby] of one.topics.entries()) {
      const slot = one.slots[at] as number
      if (slot !== JOINING) expect(lobby.members[slot]).toBe(one)
    }
  }
}
