import { roomShard } from '@sluice/proto'
import { beforeEach, describe, expect, test } from 'vitest'
import { roomKey, roomName, roomOf, roomValue, userOf } from '../../../test/harness/presence-values.ts'
import { createRoomShard, type RoomShard, type RoomStep } from './room-shard.ts'

const counting = new Set<string>()
let steps: RoomStep[]
let skipped: string[]
let shard: RoomShard

const lease = () => ({ kind: 'lease', instance: 'a', revision: 1 }) as const
const told = (): string[] => steps.flatMap(({ changes }) => changes.map(({ kind, member }) => `${kind} ${member.user}`))

beforeEach(() => {
  counting.clear()
  counting.add('a')
  counting.add('b')
  steps = []
  skipped = []
  shard = createRoomShard({
    shard: roomShard(roomOf('lobby')),
    countsAs: (instance) => (counting.has(instance) ? instance : null),
    onStep: (step) => steps.push(step),
    onSkipped: (why) => skipped.push(why),
  })
})

describe('rooms of a shard', () => {
  test('are views of their entries, and tell each change with the count before it', () => {
    shard.put(roomKey('lobby', 'a'), roomValue('ann', 'bob'), 1)
    shard.put(roomKey('lobby', 'b'), roomValue('bob'), 2)
    shard.put(roomKey('lobby', 'a'), null, 3)
    expect(told()).toEqual(['joined ann', 'joined bob', 'left ann'])
    expect(steps.map(({ countBefore }) => countBefore)).toEqual([0, 2])
    expect(shard.members).toBe(1)
    expect(shard.revision).toBe(3)
  })

  test('know the rooms of a user', () => {
    shard.put(roomKey('lobby', 'a'), roomValue('ann'), 1)
    shard.put(roomKey('chat:lobby', 'a'), roomValue('ann', 'bob'), 2)
    shard.put(roomKey('lobby', 'a'), null, 3)
    expect([...shard.roomsOf(userOf('ann'))]).toEqual([roomName('chat:lobby')])
    shard.put(roomKey('chat:lobby', 'a'), null, 4)
    expect([...shard.roomsOf(userOf('ann'))]).toEqual([])
  })

  test('are counted again where an instance has entries, and nowhere else', () => {
    shard.put(roomKey('lobby', 'a'), roomValue('ann'), 1)
    shard.put(roomKey('chat:lobby', 'b'), roomValue('bob'), 2)
    steps.length = 0
    counting.clear()
    shard.recount(['a'], lease)
    expect(told()).toEqual(['left ann'])
    expect(steps[0]?.cause).toBe(lease)
  })

  test('skip what they do not understand, and keep what they hold', () => {
    shard.put(roomKey('lobby', 'a'), roomValue('ann'), 1)
    shard.put(roomKey('lobby', 'a'), new TextEncoder().encode('{"v":2}'), 2)
    shard.put(roomKey('lobby', 'a'), new TextEncoder().encode('no'), 3)
    shard.put('room.0', roomValue('bob'), 4)
    expect(skipped).toEqual(['newer', 'malformed', 'malformed'])
    expect(shard.members).toBe(1)
  })

  test('are dropped when they are empty and their deletions are forgotten', () => {
    shard.put(roomKey('lobby', 'a'), roomValue('ann'), 1)
    shard.put(roomKey('lobby', 'a'), null, 5)
    shard.prune(4)
    expect(shard.rooms.size).toBe(1)
    shard.prune(5)
    expect(shard.rooms.size).toBe(0)
    expect([...shard.instances]).toEqual([])
  })

  test('forget an instance that is dead for good', () => {
    shard.put(roomKey('lobby', 'a'), roomValue('ann'), 1)
    shard.put(roomKey('lobby', 'b'), roomValue('bob'), 2)
    counting.delete('a')
    shard.recount(['a'], lease)
    shard.forget('a')
    expect([...shard.instances]).toEqual(['b'])
    expect(shard.rooms.get(roomName('lobby'))?.view.count).toBe(1)
  })

  test('hold what they have through a new bucket until it is written again or its time is over', () => {
    shard.put(roomKey('lobby', 'a'), roomValue('ann'), 100)
    shard.put(roomKey('chat:lobby', 'b'), roomValue('bob'), 101)
    shard.startOver()
    shard.put(roomKey('lobby', 'a'), roomValue('ann'), 1)
    expect(told()).toEqual(['joined ann', 'joined bob'])
    shard.settle()
    expect(told()).toEqual(['joined ann', 'joined bob', 'left bob'])
    expect([...shard.instances]).toEqual(['a'])
  })
})
