import { createSubjects, ROOM_SHARDS, roomShard } from '@sluice/proto'
import type { Link } from '@sluice/service/nats/link'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openLink } from '../../../test/harness/links.ts'
import { type NatsServer, startNats } from '../../../test/harness/nats.ts'
import { roomKey, roomOf, roomValue } from '../../../test/harness/presence-values.ts'
import { createRoomShard, type RoomShard } from '../shards/room-shard.ts'
import { GATHER_WAIT_MS, type GatherOptions, gatherRooms, serveGathering } from './gather.ts'
import type { Known } from './known.ts'

const ROOMS = Array.from({ length: 30 }, (_, at) => `room-${`${at}`.padStart(2, '0')}`)
const REQUEST = { verb: 'rooms', namespace: 'default', limit: 100 } as const
let nats: NatsServer
let link: Link & AsyncDisposable
let skipped: string[]
let serving: { stop(): void }[]

beforeAll(async () => {
  nats = await startNats()
  link = await openLink(nats.url)
})

afterAll(async () => {
  await link[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
})

beforeEach(() => {
  skipped = []
  serving = []
})

afterEach(() => {
  for (const one of serving) one.stop()
})

/** A router that holds some of the shards, with the rooms that are in them. */
function router(holds: (shard: number) => boolean, fresh = true): GatherOptions {
  const shards = Array.from({ length: ROOM_SHARDS }, (_, shard): RoomShard | null => {
    if (!holds(shard)) return null
    const made = createRoomShard({ shard, countsAs: () => 'a', onStep: () => undefined, onSkipped: () => undefined })
    for (const [at, room] of ROOMS.entries()) {
      if (roomShard(roomOf(room)) === shard) made.put(roomKey(room, 'a'), roomValue('ann'), at + 1)
    }
    return made
  })
  const known: Known = {
    room: (shard) => shards[shard] ?? null,
    user: () => null,
    gateways: () => [],
    holds: (_, shard) => holds(shard),
    fresh,
  }
  return { nats: link, subjects: createSubjects('sluice'), known, onSkipped: (why) => skipped.push(why) }
}

const low = (shard: number): boolean => shard < 32
const high = (shard: number): boolean => shard >= 32

describe('what spans shards', () => {
  test('is answered without asking by one who holds all of them', async () => {
    const found = await gatherRooms(
      REQUEST,
      router(() => true),
    )
    expect(found?.rooms.map(({ room }) => room)).toEqual(ROOMS)
  })

  test('is gathered from those who hold the rest, page by page', async () => {
    serving.push(serveGathering(router(high)), serveGathering(router(high)))
    const first = await gatherRooms({ ...REQUEST, limit: 20 }, router(low))
    expect(first?.rooms.map(({ room }) => room)).toEqual(ROOMS.slice(0, 20))
    const rest = await gatherRooms(
      { ...REQUEST, ...(first?.next === undefined ? {} : { after: first.next }) },
      router(low),
    )
    expect(rest?.rooms.map(({ room }) => room)).toEqual(ROOMS.slice(20))
    expect(rest?.next).toBeUndefined()
  })

  test('is unknown soon where nobody holds the rest, or they may have missed something', async () => {
    serving.push(serveGathering(router(high, false)))
    const startedAt = performance.now()
    expect(await gatherRooms(REQUEST, router(low))).toBeNull()
    expect(performance.now() - startedAt).toBeLessThan(GATHER_WAIT_MS * 2)
  })

  test('is not upset by what others say that is not understood', async () => {
    const noise = link.subscribe('sluice.ctl.routers', ({ reply }) => {
      if (reply) link.publish(reply, new TextEncoder().encode('{"v":2}'))
      if (reply) link.publish(reply, new TextEncoder().encode('no'))
    })
    serving.push(serveGathering(router(high)), { stop: () => noise.unsubscribe() })
    expect((await gatherRooms(REQUEST, router(low)))?.rooms).toHaveLength(ROOMS.length)
    link.publish('sluice.ctl.routers', new TextEncoder().encode('{"v":3,"verb":"rooms"}'))
    await expect.poll(() => skipped).toContain('newer')
  })
})
