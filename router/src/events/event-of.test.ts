import { createSubjects, decodeEvent, encodeEvent, eventId, roomShard, userShard } from '@sluice/proto'
import { beforeEach, describe, expect, test } from 'vitest'
import { roomKey, roomOf, roomValue, userKey, userOf, userValue } from '../../../test/harness/presence-values.ts'
import { createRoomShard, type RoomStep } from '../shards/room-shard.ts'
import { createUserShard, type UserStep } from '../shards/user-shard.ts'
import { type CausedEvent, memberEvents, resyncEvent, sessionEvents } from './event-of.ts'

const context = { gatewayOf: (instance: string) => `gw-${instance}` as never, now: 5000 }
const subjects = createSubjects('sluice')
let counts = true
let events: CausedEvent[]

const countsAs = (instance: string): string | null => (counts ? instance : null)
const onSkipped = (): never => {
  throw new Error('not understood')
}
const rooms = () =>
  createRoomShard({
    shard: roomShard(roomOf('lobby')),
    countsAs,
    onSkipped,
    // At the moment of the step, as the view goes on.
    onStep: (step: RoomStep) => events.push(...memberEvents(step, context)),
  })
const told = (): string[] => events.map(({ event }) => `${event.kind} ${'user' in event ? event.user : ''}`)

beforeEach(() => {
  counts = true
  events = []
})

describe('a room', () => {
  test('is occupied with its first member and empty with its last', () => {
    const shard = rooms()
    shard.put(roomKey('lobby', 'a'), roomValue('ann', 'bob'), 1)
    shard.put(roomKey('lobby', 'a'), roomValue('bob'), 2)
    shard.put(roomKey('lobby', 'a'), null, 3)
    expect(told()).toEqual(['joined ann', 'joined bob', 'occupied ann', 'left ann', 'left bob', 'empty bob'])
  })

  test('stays occupied when one comes as the other goes', () => {
    const shard = rooms()
    shard.put(roomKey('lobby', 'a'), roomValue('ann'), 1)
    shard.put(roomKey('lobby', 'a'), roomValue('bob'), 2)
    expect(told()).toEqual(['joined ann', 'occupied ann', 'left ann', 'joined bob'])
  })

  test('tells where and when, and by which revisions events are ordered and recognised', () => {
    const shard = rooms()
    shard.put(roomKey('chat:lobby', 'a'), roomValue('ann'), 7)
    expect(events[0]).toEqual({
      event: { kind: 'joined', user: 'ann', room: 'chat:lobby', gateway: 'gw-a', at: 5000, revision: 7 },
      cause: { kind: 'entry', revision: 7 },
    })
  })

  test('that a dead gateway leaves says that its members have expired', () => {
    const shard = rooms()
    shard.put(roomKey('lobby', 'a'), roomValue('ann'), 7)
    counts = false
    events = []
    shard.recount(['a'], () => ({ kind: 'lease', instance: 'a', revision: 9 }))
    expect(told()).toEqual(['left ann', 'empty ann'])
    expect(events[0]).toMatchObject({
      event: { reason: 'expired', revision: 7 },
      cause: { kind: 'lease', instance: 'a', revision: 9 },
    })
  })
})

describe('a user', () => {
  test('connects and disconnects by session, on the gateway of the session', () => {
    const shard = createUserShard({
      shard: userShard(userOf('ann')),
      countsAs,
      onSkipped,
      onStep: (step: UserStep) => events.push(...sessionEvents(step, context)),
    })
    shard.put(userKey('ann', 'a'), userValue('ann', 'gw1.1', 'gw1.2'), 1)
    shard.put(userKey('ann', 'a'), userValue('ann', 'gw1.2'), 2)
    expect(events.map(({ event }) => event)).toMatchObject([
      { kind: 'connected', session: 'gw1.1', gateway: 'gw1', connections: 2 },
      { kind: 'connected', session: 'gw1.2', gateway: 'gw1', connections: 2 },
      { kind: 'disconnected', session: 'gw1.1', gateway: 'gw1', connections: 1, revision: 2 },
    ])
    const ids = events.map(({ event, cause }) => eventId(subjects, event, cause))
    expect(new Set(ids).size).toBe(3)
  })
})

test('every event can be read by those whom it is for', () => {
  const shard = rooms()
  shard.put(roomKey('lobby', 'a'), roomValue('ann'), 1)
  for (const { event } of [...events, resyncEvent('user', 1023, 17, 5000)]) {
    expect(decodeEvent(new TextEncoder().encode(encodeEvent(event)))).toEqual(event)
  }
})
