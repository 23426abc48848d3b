import { jsonCodec, type UserName } from '@sluice/proto'
import { msgpackCodec } from '@sluice/proto/msgpack'
import { describe, expect, test } from 'vitest'
import { crowd, fakeDelivery, inbound, join, room, turn } from '../../../test/harness/fanout-fakes.ts'
import { type FakeConnection, fakeConnection, payloadOf } from '../../../test/harness/session-fakes.ts'
import { beginJoin, leaveAll, leaveTopic, type TopicName } from './topic.ts'

describe('a message to a small topic', () => {
  test('goes at once to every member and to nobody else', () => {
    const { deliver, counters, heard } = fakeDelivery()
    const [one, two, joining, outsider] = crowd(4) as [FakeConnection, FakeConnection, FakeConnection, FakeConnection]
    const lobby = room('lobby')
    join(lobby, one, two)
    beginJoin(joining, lobby)
    deliver.toTopic(lobby, inbound('hi'))
    expect([one, two, joining, outsider].map(heard)).toEqual([['hi'], ['hi'], [], []])
    expect(counters.deliveries).toBe(2)
  })

  test('is one frame for all that speak JSON and one for all that speak MessagePack', () => {
    const { deliver, frames, heard } = fakeDelivery()
    const members = [jsonCodec, msgpackCodec, jsonCodec, msgpackCodec].map((codec, at) =>
      fakeConnection({ number: at + 1, codec }),
    )
    const lobby = room('lobby')
    join(lobby, ...members)
    deliver.toTopic(lobby, inbound({ a: 1 }))
    const [a, b, c, d] = members.map((member) => frames.get(member)?.[0])
    expect(a).toBe(c)
    expect(b).toBe(d)
    expect(a).not.toBe(b)
    expect(members.map(heard)).toEqual([[{ a: 1 }], [{ a: 1 }], [{ a: 1 }], [{ a: 1 }]])
  })

  test('leaves out the session and the user that it excludes', () => {
    const { deliver, counters, heard } = fakeDelivery()
    const [one, two, three] = crowd(3) as [FakeConnection, FakeConnection, FakeConnection]
    const lobby = room('lobby')
    join(lobby, one, two, three)
    deliver.toTopic(lobby, inbound('a', { excludeSession: one.session }))
    deliver.toTopic(lobby, inbound('b', { excludeUser: 'user-2' }))
    deliver.toTopic(lobby, inbound('c', { excludeUser: 'user-2', excludeSession: three.session }))
    expect([one, two, three].map(heard)).toEqual([['b', 'c'], ['a'], ['a', 'b']])
    expect(counters.deliveries).toBe(5)
  })

  test('that one member has no room for reaches all others, though that one leaves from within', () => {
    for (const slow of [0, 1, 3]) {
      const { deliver, full, counters, heard } = fakeDelivery()
      const members = crowd(4)
      const lobby = room('lobby')
      join(lobby, ...members)
      const member = members[slow] as FakeConnection
      full.set(member, () => leaveAll(member))
      deliver.toTopic(lobby, inbound('hi'))
      const others = members.filter((one) => one !== member)
      expect(others.map(heard)).toEqual([['hi'], ['hi'], ['hi']])
      expect(counters.deliveries).toBe(3)
      expect(new Set(lobby.members)).toEqual(new Set(others))
      deliver.toTopic(lobby, inbound('again'))
      expect(others.map(heard)).toEqual([
        ['hi', 'again'],
        ['hi', 'again'],
        ['hi', 'again'],
      ])
    }
  })

  test('that MessagePack cannot say still reaches those that speak JSON, and is told once', () => {
    const { deliver, unencodable, counters } = fakeDelivery()
    const members = [msgpackCodec, jsonCodec, msgpackCodec].map((codec, at) =>
      fakeConnection({ number: at + 1, codec }),
    )
    const lobby = room('lobby')
    join(lobby, ...members)
    deliver.toTopic(lobby, inbound(0, { payload: Buffer.from(`${'['.repeat(9999)}${']'.repeat(9999)}`) }))
    expect(counters.deliveries).toBe(1)
    expect(unencodable).toEqual([lobby.about])
  })
})

describe('a message to one connection', () => {
  test('comes under the name of its user', () => {
    const { deliver, frames, counters } = fakeDelivery()
    const one = fakeConnection()
    deliver.toMember(one, { kind: 'user', name: 'alice' as UserName }, inbound('hi'))
    expect(one.codec.decodeServer(payloadOf(frames.get(one)?.[0] as Buffer))).toEqual({
      type: 'message',
      user: 'alice',
      data: 'hi',
    })
    expect(counters.deliveries).toBe(1)
  })

  test('that cannot be encoded for it is told', () => {
    const { deliver, unencodable } = fakeDelivery()
    const about: TopicName = { kind: 'user', name: 'alice' as UserName }
    deliver.toMember(
      fakeConnection({ codec: msgpackCodec }),
      about,
      inbound(0, { payload: Buffer.from(`${'['.repeat(9999)}${']'.repeat(9999)}`) }),
    )
    expect(unencodable).toEqual([about])
  })
})

describe('a message to a big topic', () => {
  test('goes out a slice a turn', async () => {
    const { deliver, counters } = fakeDelivery({ sliceMembers: 4 })
    const lobby = room('lobby')
    join(lobby, ...crowd(10))
    deliver.toTopic(lobby, inbound('hi'))
    expect(counters.deliveries).toBe(0)
    const seen: number[] = []
    for (let at = 0; at < 4; at++) {
      await turn()
      seen.push(counters.deliveries)
    }
    expect(seen).toEqual([4, 8, 10, 10])
  })

  test('does not hold up a message to a small one', () => {
    const { deliver, heard } = fakeDelivery({ sliceMembers: 4 })
    const [big, small] = [room('big'), room('small')]
    join(big, ...crowd(10))
    const one = fakeConnection({ number: 99 })
    join(small, one)
    deliver.toTopic(big, inbound('blast'))
    deliver.toTopic(small, inbound('hi'))
    expect(heard(one)).toEqual(['hi'])
  })

  test('is not overtaken by the next one of its topic, even if that has become small', async () => {
    const { deliver, heard } = fakeDelivery({ sliceMembers: 4 })
    const members = crowd(6)
    const lobby = room('lobby')
    join(lobby, ...members)
    deliver.toTopic(lobby, inbound(1))
    for (const member of members.slice(0, 3)) leaveTopic(member, lobby)
    deliver.toTopic(lobby, inbound(2))
    for (let at = 0; at < 4; at++) await turn()
    for (const member of members.slice(3)) expect(heard(member)).toEqual([1, 2])
    for (const member of members.slice(0, 3)) expect(heard(member)).toEqual([])
  })

  test('is not heard by who leaves between two slices, nor by who joins', async () => {
    const { deliver, heard } = fakeDelivery({ sliceMembers: 2 })
    const members = crowd(6)
    const late = fakeConnection({ number: 7 })
    const lobby = room('lobby')
    join(lobby, ...members)
    deliver.toTopic(lobby, inbound('hi'))
    await turn()
    leaveTopic(members[5] as FakeConnection, lobby)
    leaveTopic(members[0] as FakeConnection, lobby)
    join(lobby, late)
    for (let at = 0; at < 3; at++) await turn()
    expect(members.map(heard)).toEqual([['hi'], ['hi'], ['hi'], ['hi'], ['hi'], []])
    expect(heard(late)).toEqual([])
    deliver.toTopic(lobby, inbound('next'))
    for (let at = 0; at < 3; at++) await turn()
    expect(heard(late)).toEqual(['next'])
    expect(heard(members[1] as FakeConnection)).toEqual(['hi', 'next'])
  })

  test('beyond those that may wait finishes the oldest at once', async () => {
    const { deliver, counters } = fakeDelivery({ sliceMembers: 2, slicedMessagesMax: 3 })
    const lobby = room('lobby')
    join(lobby, ...crowd(6))
    for (let at = 0; at < 3; at++) deliver.toTopic(lobby, inbound(at))
    expect(counters.deliveries).toBe(0)
    deliver.toTopic(lobby, inbound(3))
    expect(counters.deliveries).toBe(6)
    for (let at = 0; at < 9; at++) await turn()
    expect(counters.deliveries).toBe(24)
  })
})
