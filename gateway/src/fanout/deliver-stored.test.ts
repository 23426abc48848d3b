import { jsonCodec, type ServerFrame } from '@sluice/proto'
import { msgpackCodec } from '@sluice/proto/msgpack'
import { describe, expect, test } from 'vitest'
import { crowd, fakeDelivery, inbound, join, room, turn } from '../../../test/harness/fanout-fakes.ts'
import { storedAt } from '../../../test/harness/history-fakes.ts'
import { type FakeConnection, fakeConnection } from '../../../test/harness/session-fakes.ts'
import { buildFrame, OPCODE } from '../outbound/ws-frame.ts'
import { createFrames } from './frames.ts'
import { leaveTopic } from './topic.ts'

const withheld = (offset: number, prev: number): ServerFrame => ({
  type: 'message',
  room: 'lobby',
  offset,
  prev,
  withheld: true,
})

/** Two members that speak JSON and two that speak MessagePack. */
function members(): FakeConnection[] {
  return [jsonCodec, msgpackCodec, jsonCodec, msgpackCodec].map((codec, at) =>
    fakeConnection({ number: at + 1, user: `user-${at + 1}`, codec }),
  )
}

describe('a stored message', () => {
  test('tells its place to whom it is kept from, in one frame for each encoding', () => {
    const { deliver, heard, frames, counters } = fakeDelivery()
    const all = members()
    const lobby = room('lobby')
    join(lobby, ...all)
    deliver.toTopic(lobby, storedAt(7, 3, { excludeUser: 'user-1' }))
    deliver.toTopic(lobby, storedAt(9, 7, { excludeSession: all[1]?.session ?? null }))
    expect(all.map(heard)).toEqual([
      [withheld(7, 3), 9],
      [7, withheld(9, 7)],
      [7, 9],
      [7, 9],
    ])
    expect(counters.deliveries).toBe(6)
    expect(frames.get(all[2] as FakeConnection)?.[0]).not.toBe(frames.get(all[0] as FakeConnection)?.[0])
  })

  test('that is fit for nobody keeps its place for everyone', () => {
    const { deliver, heard, frames, counters } = fakeDelivery()
    const all = members()
    const lobby = room('lobby')
    join(lobby, ...all)
    deliver.toTopic(lobby, storedAt(7, 3, { unfit: 'not_json', payload: new Uint8Array(0) }))
    expect(all.map(heard)).toEqual(Array(4).fill([withheld(7, 3)]))
    expect(frames.get(all[0] as FakeConnection)?.[0]).toBe(frames.get(all[2] as FakeConnection)?.[0])
    expect(frames.get(all[1] as FakeConnection)?.[0]).toBe(frames.get(all[3] as FakeConnection)?.[0])
    expect(counters.deliveries).toBe(0)
  })

  test('that MessagePack cannot say keeps its place for those that speak it', () => {
    const { deliver, heard, unencodable } = fakeDelivery()
    const all = members()
    const lobby = room('lobby')
    join(lobby, ...all)
    deliver.toTopic(lobby, storedAt(7, 3, { payload: Buffer.from(`${'['.repeat(9999)}${']'.repeat(9999)}`) }))
    expect([heard(all[1] as FakeConnection), heard(all[3] as FakeConnection)]).toEqual([
      [withheld(7, 3)],
      [withheld(7, 3)],
    ])
    expect(unencodable).toEqual([lobby.about])
  })

  test('of its own publisher is told by its answer, if that could leave', () => {
    const asked: unknown[] = []
    let leaves = true
    const { deliver, heard } = fakeDelivery({
      answerPublisher: (member, { place }) => {
        asked.push([member.session, place?.offset])
        return leaves
      },
    })
    const all = members()
    const lobby = room('lobby')
    join(lobby, ...all)
    const session = all[0]?.session ?? null
    deliver.toTopic(lobby, storedAt(7, 3, { excludeSession: session }))
    leaves = false
    deliver.toTopic(lobby, storedAt(8, 7, { excludeSession: session, excludeUser: 'user-2' }))
    expect(all.map(heard)).toEqual([[withheld(8, 7)], [7, withheld(8, 7)], [7, 8], [7, 8]])
    expect(asked).toEqual([
      ['gw.1', 7],
      ['gw.1', 8],
    ])
  })

  test('has frames that are shared with those who catch up', () => {
    const { deliver, frames } = fakeDelivery()
    const all = members()
    const lobby = room('lobby')
    join(lobby, ...all)
    const shared = createFrames(storedAt(7, 3))
    deliver.framesToTopic(lobby, shared)
    expect(shared.json).toBe(frames.get(all[0] as FakeConnection)?.[0])
    expect(shared.msgpack).toBe(frames.get(all[1] as FakeConnection)?.[0])
  })
})

test('an ephemeral message says nothing to whom it is kept from', () => {
  const { deliver, frames } = fakeDelivery()
  const all = members()
  const lobby = room('lobby')
  join(lobby, ...all)
  deliver.toTopic(lobby, inbound('hi', { excludeUser: 'user-1' }))
  expect(frames.get(all[0] as FakeConnection)).toBeUndefined()
})

describe('a notice', () => {
  const json = buildFrame(OPCODE.text, jsonCodec.encodeServer({ type: 'pong', id: 'notice' }))
  const msgpack = buildFrame(OPCODE.binary, msgpackCodec.encodeServer({ type: 'pong', id: 'notice' }))
  const notice = { type: 'pong', id: 'notice' }

  test('comes to everyone in its place among the messages of a big topic, which are sliced', async () => {
    const { deliver, heard, counters } = fakeDelivery({ sliceMembers: 2 })
    const all = crowd(7)
    const lobby = room('lobby')
    join(lobby, ...all)
    deliver.toTopic(lobby, storedAt(1, 0))
    deliver.noticeToTopic(lobby, json, msgpack)
    deliver.toTopic(lobby, storedAt(9, 8))
    for (let at = 0; at < 20; at++) await turn()
    expect(all.map(heard)).toEqual(Array(7).fill([1, notice, 9]))
    expect(counters.deliveries).toBe(14)
  })

  test('is in the encoding of whoever gets it', () => {
    const { deliver, frames } = fakeDelivery()
    const all = members()
    const lobby = room('lobby')
    join(lobby, ...all)
    deliver.noticeToTopic(lobby, json, msgpack)
    expect(all.map((member) => frames.get(member)?.[0])).toEqual([json, msgpack, json, msgpack])
  })
})

test('who leaves a big topic and catches up again hears nothing twice that is still in slices, and all that comes after', async () => {
  const { deliver, heard } = fakeDelivery({ sliceMembers: 2 })
  const all = crowd(7)
  const lobby = room('lobby')
  join(lobby, ...all)
  const [one, ...others] = all.toReversed() as [FakeConnection, ...FakeConnection[]]
  deliver.toTopic(lobby, storedAt(1, 0))
  deliver.toTopic(lobby, storedAt(2, 1))
  leaveTopic(one, lobby)
  join(lobby, one)
  // It was sent both.
  deliver.caughtUp(lobby, one)
  deliver.toTopic(lobby, storedAt(3, 2))
  for (let at = 0; at < 20; at++) await turn()
  expect(heard(one)).toEqual([3])
  for (const other of others) expect(heard(other)).toEqual([1, 2, 3])
  deliver.toTopic(lobby, storedAt(4, 3))
  for (let at = 0; at < 20; at++) await turn()
  expect(heard(one)).toEqual([3, 4])
})
