// The announcer over a real nats-server: buckets that are late, lost and made anew, a lease that a router takes away.
import type { NatsConnection } from '@nats-io/transport-node'
import {
  createPresenceStores,
  encodeLease,
  type Instance,
  type LeaseValue,
  leaseKey,
  parseRoom,
  parseUser,
  type Room,
  type UserName,
} from '@sluice/proto'
import { createLogger } from '@sluice/service/log'
import type { Link } from '@sluice/service/nats/link'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keysOf, loseBucket, makeBucket, makeBuckets } from '../../../test/harness/buckets.ts'
import { eventually } from '../../../test/harness/eventually.ts'
import { openLink } from '../../../test/harness/links.ts'
import { type NatsServer, startNats } from '../../../test/harness/nats.ts'
import { type Counters, createCounters } from '../metrics/counters.ts'
import { type Announcer, createAnnouncer } from './announcer.ts'
import { createLocalRooms, type LocalRooms } from './local-rooms.ts'

const stores = createPresenceStores()
const lobby = parseRoom('lobby', 128) as Room
const [ann, ben] = ['ann', 'ben'].map((name) => parseUser(name, 128)) as [UserName, UserName]

let nats: NatsServer
let client: NatsConnection
let links: (Link & AsyncDisposable)[]
let announcer: Announcer
let rooms: LocalRooms
let counters: Counters
let lines: string[]

beforeEach(async () => {
  nats = await startNats()
  client = await nats.connect()
  links = await Promise.all([openLink(nats.url), openLink(nats.url), openLink(nats.url)])
  const [control, data, reads] = links as unknown as [Link, Link, Link]
  counters = createCounters()
  lines = []
  let instances = 0
  rooms = createLocalRooms(5000, (group) => announcer.writer.changed(group))
  announcer = createAnnouncer({
    control,
    data,
    reads,
    stores,
    describe: () => ({ name: 'gw', version: '0', connections: 0 }),
    newInstance: () => `gw-${++instances}`,
    nowMs: () => performance.now(),
    log: createLogger({
      level: 'info',
      pretty: false,
      name: 'gw',
      destination: { write: (line: string) => lines.push(JSON.parse(line).msg) },
    }),
    throttle: () => ({ held: 0 }),
    counters,
    groups: () => rooms.groups,
    onStored: rooms.stored,
    onChange: () => undefined,
  })
})
afterEach(async () => {
  await announcer.leave()
  for (const link of links) await link[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
})

async function lease(instance: Instance): Promise<LeaseValue | undefined> {
  return (await keysOf(client, stores.leases)).get(leaseKey('gateway', instance)) as LeaseValue | undefined
}

async function entryKeys(): Promise<string[]> {
  return [...(await keysOf(client, stores.entries)).keys()]
}

describe('a gateway', () => {
  test('waits for the buckets, and is announced when all it has is written', async () => {
    rooms.enter(lobby, ann, undefined)
    await eventually(() => lines).toContain('waiting for the buckets that routers make')
    await makeBucket(client, stores.leases)
    await eventually(() => announcer.fleet.loaded).toBe(true)
    expect(announcer.announced).toBe(false)
    await makeBucket(client, stores.entries)
    await eventually(() => announcer.announced).toBe(true)
    expect(await lease('gw-1')).toMatchObject({ state: 'up' })
    expect(await entryKeys()).toEqual([expect.stringMatching(/lobby\.gw-1\.0$/)])
    expect(lines.at(-1)).toBe('presence is announced')
  })

  test('that drains says so, and leaves nothing of its lease', async () => {
    await makeBuckets(client)
    await eventually(() => announcer.announced).toBe(true)
    await announcer.drain()
    expect(await lease('gw-1')).toMatchObject({ state: 'draining' })
    await announcer.leave()
    expect(await lease('gw-1')).toBeUndefined()
  })
})

describe('what a gateway has written', () => {
  test('is written again under a new instance when a router has declared it dead', async () => {
    await makeBuckets(client)
    rooms.enter(lobby, ann, undefined)
    await eventually(() => announcer.announced).toBe(true)
    const dead = encodeLease({ name: 'gw', version: '0', state: 'dead' })
    await client.request(stores.leases.subject(leaseKey('gateway', 'gw-1')), dead)
    await eventually(() => lease('gw-2')).toMatchObject({ state: 'up', adopts: 'gw-1' })
    await eventually(entryKeys).toContainEqual(expect.stringMatching(/lobby\.gw-2\.0$/))
    expect([announcer.fleet.instance, counters.presenceLeasesLost]).toEqual(['gw-2', 1])
  })

  test('is written again into buckets that were lost and made anew, under the same instance', {
    timeout: 20_000,
  }, async () => {
    await makeBuckets(client)
    rooms.enter(lobby, ann, undefined)
    await eventually(() => announcer.announced).toBe(true)
    await loseBucket(client, stores.leases)
    await loseBucket(client, stores.entries)
    await makeBuckets(client)
    await eventually(entryKeys, 10_000).toEqual([expect.stringMatching(/lobby\.gw-1\.0$/)])
    await eventually(() => lease('gw-1'), 10_000).toMatchObject({ state: 'up' })
    expect(lines).toContain('the bucket of presence is another; writing everything again')
  })

  test('while its bucket is away is written when it is back', { timeout: 20_000 }, async () => {
    await makeBuckets(client)
    await eventually(() => announcer.announced).toBe(true)
    await loseBucket(client, stores.entries)
    rooms.enter(lobby, ben, undefined)
    await eventually(() => counters.presenceEntries.get('failed')).toBeGreaterThan(0)
    await makeBucket(client, stores.entries)
    await eventually(entryKeys).toHaveLength(1)
  })
})
