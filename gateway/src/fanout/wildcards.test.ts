import type { RoomName } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { crowd, fakeDelivery, inbound, join, room, turn } from '../../../test/harness/fanout-fakes.ts'
import { createTopic, leaveTopic, type Topic } from './topic.ts'
import { deliverTo, hearsAll, roomHeard, wildcardOver } from './wildcards.ts'

const wildcard = (): Topic => createTopic('sluice.room.default.*', { kind: 'room', name: 'default:*' as RoomName })

function build({ sliceMembers = 4 } = {}) {
  const delivery = fakeDelivery({ sliceMembers })
  const [all, lobby] = [wildcard(), room('lobby')]
  const topics = { find: (subject: string) => [all, lobby].find((topic) => topic.subject === subject) }
  return {
    ...delivery,
    all,
    lobby,
    topics,
    /** As a feed gives it: to its room, and to the wildcard. */
    say(subject: string, data: unknown, fields = {}): void {
      const message = inbound(data, fields)
      const topic = topics.find(subject)
      if (topic !== undefined) deliverTo(delivery.deliver, topics, topic, message, subject)
      deliverTo(delivery.deliver, topics, all, message, subject)
    },
  }
}

describe('who is in all rooms', () => {
  test('hears each message under the name of its room', () => {
    const { all, say, heard, frames } = build()
    const members = crowd(2)
    join(all, ...members)
    say('sluice.room.default.a=2Eb', 1)
    expect(members.map(heard)).toEqual([[1], [1]])
    const [frame] = frames.get(members[0]!) ?? []
    expect(frame?.subarray(2).toString()).toContain('"room":"a.b"')
    // One frame for all of them.
    expect(frames.get(members[1]!)?.[0]).toBe(frame)
  })

  test('hears nothing of subjects that are no room’s', () => {
    const { all, say, heard } = build()
    const [ann] = crowd(1)
    join(all, ann!)
    say('sluice.room.default.=41', 1)
    say('sluice.room.default.a@b', 2)
    expect(heard(ann!)).toEqual([])
  })

  test('and in the room as well hears it from there alone', () => {
    const { all, lobby, say, heard } = build()
    const [ann, ben, eve] = crowd(3)
    join(all, ann!, ben!)
    join(lobby, ben!, eve!)
    say(lobby.subject, 1)
    say('sluice.room.default.other', 2)
    expect([ann, ben, eve].map((member) => heard(member!))).toEqual([[1, 2], [1, 2], [1]])
  })

  test('hears it once however many there are, also who leaves the room before its slice comes', async () => {
    const { deliver, all, lobby, say, heard } = build({ sliceMembers: 2 })
    const members = crowd(7)
    join(all, ...members)
    join(lobby, ...members.slice(2))
    for (const data of [1, 2, 3]) say(lobby.subject, data)
    // Its `leave`: what is on its way comes first.
    deliver.settle(lobby)
    leaveTopic(members[6]!, lobby)
    say(lobby.subject, 4)
    for (let turns = 0; turns < 20; turns++) await turn()
    for (const member of members) expect(heard(member)).toEqual([1, 2, 3, 4])
  })

  test('who enters the room while a message of it is in slices still gets it, once', async () => {
    const { all, lobby, say, heard } = build({ sliceMembers: 1 })
    const members = crowd(4)
    join(all, ...members)
    say(lobby.subject, 1)
    join(lobby, members[3]!)
    say(lobby.subject, 2)
    for (let turns = 0; turns < 12; turns++) await turn()
    for (const member of members) expect(heard(member).toSorted()).toEqual([1, 2])
  })
})

test('a withheld message keeps the place of its room’s chain', () => {
  const { deliver, all, frames } = build()
  const [ann] = crowd(1)
  join(all, ann!)
  const under = roomHeard(all.about, 'x.lobby', 3)
  const place = { offset: 9, prev: 8, time: 1 }
  deliver.toTopic(all, inbound(1, { place, under, excludeUser: 'user-1' }))
  deliver.toTopic(all, inbound(2, { place: { ...place, offset: 10, prev: 9 }, under }))
  const told = (frames.get(ann!) ?? []).map((frame) => JSON.parse(frame.subarray(frame[1] === 126 ? 4 : 2).toString()))
  expect(told).toEqual([
    { type: 'message', room: 'lobby', offset: 9, prev: 3, withheld: true },
    { type: 'message', room: 'lobby', offset: 10, prev: 3, time: 1, data: 2 },
  ])
})

test('the wildcard over a room is that of its namespace, for who is a member of it', () => {
  const { all, lobby, topics } = build()
  const [ann, ben] = crowd(2)
  join(all, ann!)
  expect(wildcardOver(topics, ann!, lobby)).toBe(all)
  expect(wildcardOver(topics, ben!, lobby)).toBeUndefined()
  expect(wildcardOver(topics, ann!, all)).toBeUndefined()
  expect([hearsAll(all.about), hearsAll(lobby.about)]).toEqual([true, false])
})
