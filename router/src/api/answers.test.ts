import { API_ANSWER_BYTES_MAX, decodeApiAnswer, type Live, roomShard, userShard } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import {
  roomKey,
  roomName,
  roomOf,
  roomValue,
  userKey,
  userOf,
  userValue,
} from '../../../test/harness/presence-values.ts'
import { createRoomShard, type RoomShard } from '../shards/room-shard.ts'
import { createUserShard } from '../shards/user-shard.ts'
import { gatewaysAnswer, presenceAnswer, userAnswer } from './answers.ts'

const options = { countsAs: (instance: string) => instance, onStep: () => undefined, onSkipped: () => undefined }
const LOBBY = roomOf('lobby')

function roomsOf(): RoomShard {
  return createRoomShard({ shard: roomShard(LOBBY), ...options })
}

function bytesOf(answer: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(answer))
}

describe('who is in a room', () => {
  test('is each user once, with its connections on all gateways', () => {
    const shard = roomsOf()
    shard.put(roomKey('lobby', 'a'), roomValue('ann', 'bob'), 1)
    shard.put(roomKey('lobby', 'b'), roomValue('ann'), 2)
    const answer = presenceAnswer(shard, LOBBY)
    expect(answer).toEqual({
      room: 'lobby',
      count: 2,
      connections: 3,
      members: [
        { user: 'ann', connections: 2 },
        { user: 'bob', connections: 1 },
      ],
    })
    expect(decodeApiAnswer('presence', bytesOf(answer))).toEqual(answer)
  })

  test('is nobody in a room that nobody knows', () => {
    expect(presenceAnswer(roomsOf(), LOBBY)).toEqual({ room: 'lobby', count: 0, connections: 0, members: [] })
  })

  test('is a part of them where there are more than are asked for, and says so', () => {
    const shard = roomsOf()
    shard.put(roomKey('lobby', 'a'), roomValue('ann', 'bob', 'cid'), 1)
    expect(presenceAnswer(shard, LOBBY, 2)).toMatchObject({ count: 3, truncated: true, members: [{}, {}] })
    expect(presenceAnswer(shard, LOBBY, 3).truncated).toBeUndefined()
  })

  test('fits one message, however much their tokens say of them', () => {
    const shard = roomsOf()
    const members = Array.from({ length: 256 }, (_, at) => ({
      user: `${at}`.padEnd(128, '"'),
      info: '\u0001'.repeat(1200),
      connections: 1,
    }))
    const value = new TextEncoder().encode(JSON.stringify({ v: 1, members: members.slice(0, 120) }))
    shard.put(roomKey('lobby', 'a'), value, 1)
    shard.put(
      roomKey('lobby', 'b'),
      new TextEncoder().encode(JSON.stringify({ v: 1, members: members.slice(120, 240) })),
      2,
    )
    const answer = presenceAnswer(shard, LOBBY)
    expect(answer.truncated).toBe(true)
    expect(bytesOf(answer).length).toBeLessThan(API_ANSWER_BYTES_MAX)
  })
})

test('a user is where its sessions and its rooms are', () => {
  const shard = createUserShard({ shard: userShard(userOf('ann')), ...options })
  shard.put(userKey('ann', 'a'), userValue('ann', 'gw1.2', 'gw1.3'), 1)
  const answer = userAnswer(shard, userOf('ann'), [roomName('lobby')])
  expect(answer).toEqual({
    user: 'ann',
    connections: 2,
    sessions: [
      { session: 'gw1.2', gateway: 'gw1', since: 1000 },
      { session: 'gw1.3', gateway: 'gw1', since: 1001 },
    ],
    rooms: ['lobby'],
  })
  expect(decodeApiAnswer('user', bytesOf(answer))).toEqual(answer)
})

test('a gateway with two leases for a moment is listed once, by the newer one', () => {
  const lease = (instance: string, revision: number, state: string) =>
    ({
      instance,
      revision,
      value: { name: 'pod', version: '1.0.0', gateway: 'gw1', state, connections: revision },
    }) as Live
  const answer = gatewaysAnswer([lease('gw1-2', 9, 'announcing'), lease('gw1-1', 5, 'up')])
  expect(answer.gateways).toEqual([
    { gateway: 'gw1', name: 'pod', connections: 9, state: 'announcing', version: '1.0.0' },
  ])
  expect(decodeApiAnswer('gateways', bytesOf(answer))).toEqual(answer)
})
