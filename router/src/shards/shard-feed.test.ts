import { createPresenceStores, type PresenceStores } from '@sluice/proto'
import { writeKey } from '@sluice/service/jetstream/key-write'
import type { Link } from '@sluice/service/nats/link'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { loseBucket, makeBucket } from '../../../test/harness/buckets.ts'
import { eventually } from '../../../test/harness/eventually.ts'
import { openLink } from '../../../test/harness/links.ts'
import { type NatsServer, startNats } from '../../../test/harness/nats.ts'
import type { ShardName } from './shard.ts'
import { createShardFeed, type ShardFeed } from './shard-feed.ts'

let nats: NatsServer
let data: Link & AsyncDisposable
let reads: Link & AsyncDisposable
let prefixes = 0
let stores: PresenceStores
let feed: ShardFeed
let startedOver: string[]
let nowMs: number
let copies: number
let faults: string[]

beforeAll(async () => {
  nats = await startNats()
  data = await openLink(nats.url)
  reads = await openLink(nats.url)
})

afterAll(async () => {
  await data[Symbol.asyncDispose]()
  await reads[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
})

beforeEach(() => {
  stores = createPresenceStores(`f${++prefixes}`)
  startedOver = []
  nowMs = 0
  copies = 0
  faults = []
  feed = createShardFeed({
    nats: data,
    reads,
    entries: stores.entries,
    nowMs: () => nowMs,
    onStartOver: (why) => startedOver.push(why),
    onCopy: () => copies++,
    onFault: (error) => faults.push(error.message),
  })
})

afterEach(() => feed.stop())

const make = async (): Promise<void> => makeBucket(await nats.connect(), stores.entries)

async function write(key: string, value: string | null): Promise<number> {
  const bytes = value === null ? null : new TextEncoder().encode(value)
  const result = await writeKey(data, { subject: stores.entries.subject(key), value: bytes })
  return result.kind === 'stored' ? result.revision : 0
}

function follow(name: ShardName) {
  const held = new Map<string, string | null>()
  const reads: { readonly fence: number; readonly readUpTo: number }[] = []
  const following = feed.follow({
    name,
    onEntry: (key, value) => held.set(key, value === null ? null : new TextDecoder().decode(value)),
    onRead: (fence, readUpTo) => reads.push({ fence, readUpTo }),
  })
  return { held, reads, following }
}

describe('a shard', () => {
  test('has what was there before, and what comes after, and nothing of other shards', async () => {
    await make()
    await write('room.1.default.lobby.a.0', 'one')
    await write('room.11.default.lobby.a.0', 'other')
    const { held, reads } = follow('room.1')
    await eventually(() => reads.length).toBeGreaterThan(0)
    expect(held).toEqual(new Map([['room.1.default.lobby.a.0', 'one']]))
    await write('room.1.default.hall.a.0', 'two')
    await write('room.1.default.lobby.a.0', null)
    await eventually(() => [...held.values()]).toEqual([null, 'two'])
    expect(copies).toBe(2)
  })

  test('that is followed with many others is read with them', async () => {
    await make()
    await write('user.7.a.0', 'seven')
    const all = Array.from({ length: 40 }, (_, shard) => follow(`user.${shard}`))
    for (const { reads } of all) await eventually(() => reads.length).toBeGreaterThan(0)
    expect(all.flatMap(({ held }) => [...held.values()])).toEqual(['seven'])
  })

  test('is loaded as soon as the bucket is there', async () => {
    const { reads } = follow('room.1')
    await eventually(() => faults.length).toBeGreaterThan(0)
    await make()
    await eventually(() => reads.length).toBeGreaterThan(0)
  })

  test('that is no longer followed is told nothing', async () => {
    await make()
    const { held, reads, following } = follow('room.1')
    await eventually(() => reads.length).toBeGreaterThan(0)
    following.stop()
    const other = follow('room.2')
    await write('room.1.default.lobby.a.0', 'one')
    await write('room.2.default.lobby.a.0', 'two')
    await eventually(() => other.held.size).toBe(1)
    expect(held.size).toBe(0)
  })
})

describe('a look for lost copies', () => {
  test('brings what has come since the look before the last, and says what no later one brings', async () => {
    await make()
    const first = await write('room.1.default.a.a.0', 'a')
    const { held, reads } = follow('room.1')
    await eventually(() => reads.length).toBeGreaterThan(0)
    held.clear()
    feed.check()
    await eventually(() => reads.length).toBe(2)
    expect([...held.values()]).toEqual(['a'])
    expect(reads[1]).toEqual({ fence: first, readUpTo: first })
    held.clear()
    feed.check()
    await eventually(() => reads.length).toBe(3)
    expect(held.size).toBe(0)
  })

  test('makes fresh again what a break has made stale', async () => {
    await make()
    const { reads } = follow('room.1')
    await eventually(() => reads.length).toBeGreaterThan(0)
    expect(feed.fresh).toBe(true)
    feed.missed()
    expect(feed.fresh).toBe(false)
    feed.check()
    await eventually(() => feed.fresh).toBe(true)
  })
})

test('a bucket that was made anew is noticed, and read from its beginning', async () => {
  await make()
  await write('room.1.default.a.a.0', 'old')
  const { held, reads } = follow('room.1')
  await eventually(() => reads.length).toBeGreaterThan(0)
  await loseBucket(await nats.connect(), stores.entries)
  await make()
  await write('room.1.default.b.a.0', 'new')
  held.clear()
  feed.check()
  await eventually(() => startedOver).toEqual(['another'])
  await eventually(() => [...held.values()]).toContain('new')
})

test('after so long without a read that deletions have left no trace, everything is read anew', async () => {
  await make()
  await write('room.1.default.lobby.a.0', 'one')
  const { held, reads } = follow('room.1')
  await eventually(() => reads.length).toBeGreaterThan(0)
  const look = async (): Promise<void> => {
    const before = reads.length
    held.clear()
    feed.check()
    await eventually(() => reads.length).toBeGreaterThan(before)
  }
  // A look covers the span of the one before it as well.
  for (let looks = 0; looks < 3; looks++) await look()
  nowMs = 40_000
  await look()
  expect([startedOver, held.size]).toEqual([[], 0])
  nowMs = 90_000
  feed.check()
  await eventually(() => held.get('room.1.default.lobby.a.0')).toBe('one')
  expect(startedOver).toEqual(['blind'])
})
