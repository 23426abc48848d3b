import { createPresenceStores } from '@sluice/proto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { loseBucket, makeBuckets } from '../../../test/harness/buckets.ts'
import { openLink } from '../../../test/harness/links.ts'
import { type NatsServer, startNats } from '../../../test/harness/nats.ts'
import type { Link } from '../nats/link.ts'
import { type Follower, followBucket } from './bucket-follower.ts'
import { writeKey } from './key-write.ts'

const { entries } = createPresenceStores()

let nats: NatsServer
let link: Link & AsyncDisposable
let followers: Follower[] = []
beforeEach(async () => {
  nats = await startNats()
  link = await openLink(nats.url)
})
afterEach(async () => {
  for (const follower of followers) follower.stop()
  followers = []
  await link[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
})

/** Follows all keys; what is held of each, by the rule that the higher revision is the newer. */
function follow() {
  const held = new Map<string, { value: string | null; revision: number }>()
  const told = { startOvers: 0, reads: 0, faults: 0 }
  const follower = followBucket({
    nats: link,
    reads: link,
    stream: entries.stream,
    stored: entries.subject('>'),
    copies: entries.followed('>'),
    onEntry: (subject, value, revision) => {
      const key = entries.keyOf(subject) ?? subject
      if (revision <= (held.get(key)?.revision ?? 0)) return
      held.set(key, { value: value === null ? null : new TextDecoder().decode(value), revision })
    },
    onStartOver: () => {
      told.startOvers++
      held.clear()
    },
    onRead: () => {
      told.reads++
    },
    onFault: () => {
      told.faults++
    },
  })
  followers.push(follower)
  const values = (): Record<string, string | null> =>
    Object.fromEntries([...held].map(([key, { value }]) => [key, value]))
  return { follower, told, values }
}

const put = (key: string, value: string | null) =>
  writeKey(link, { subject: entries.subject(key), value: value === null ? null : new TextEncoder().encode(value) })

test('a follower is told what was there, what comes, and what is deleted', async () => {
  await makeBuckets(await nats.connect())
  await put('room.a', '1')
  const { follower, values } = follow()
  await vi.waitFor(() => expect(follower.loaded).toBe(true))
  expect(values()).toEqual({ 'room.a': '1' })
  await put('room.b', '2')
  await put('room.a', null)
  await vi.waitFor(() => expect(values()).toEqual({ 'room.a': null, 'room.b': '2' }))
})

test('a follower waits for a bucket that has not been made yet', async () => {
  const { follower, told, values } = follow()
  await vi.waitFor(() => expect(told.faults).toBeGreaterThan(0))
  expect(follower.loaded).toBe(false)
  await makeBuckets(await nats.connect())
  await put('room.a', '1')
  await vi.waitFor(() => expect(values()).toEqual({ 'room.a': '1' }), { timeout: 5000 })
})

test('a follower loads more keys than one batch brings', async () => {
  await makeBuckets(await nats.connect())
  await Promise.all(Array.from({ length: 2100 }, (_, at) => put(`room.${at}`, `${at}`)))
  const { follower, values } = follow()
  await vi.waitFor(() => expect(follower.loaded).toBe(true), { timeout: 10_000 })
  expect(Object.keys(values())).toHaveLength(2100)
})

test('a follower finds what changed while its copies did not reach it', async () => {
  await makeBuckets(await nats.connect())
  const { follower, values } = follow()
  await vi.waitFor(() => expect(follower.loaded).toBe(true))
  const other = await openLink(nats.url)
  await nats.stop()
  await nats.start()
  // Written by another while this one may still be away; no copy comes later.
  await vi.waitFor(() => expect(other.connected).toBe(true), { timeout: 10_000 })
  const written = await writeKey(other, { subject: entries.subject('room.a'), value: new TextEncoder().encode('1') })
  expect(written.kind).toBe('stored')
  await vi.waitFor(() => expect(link.connected).toBe(true), { timeout: 10_000 })
  await follower.check()
  expect(values()).toEqual({ 'room.a': '1' })
  await other[Symbol.asyncDispose]()
})

test('a follower starts over with a bucket that was made anew', async () => {
  const client = await nats.connect()
  await makeBuckets(client)
  await put('room.a', '1')
  const { follower, told, values } = follow()
  await vi.waitFor(() => expect(values()).toEqual({ 'room.a': '1' }))
  const { leases } = createPresenceStores()
  await loseBucket(client, entries)
  await loseBucket(client, leases)
  await makeBuckets(client)
  await put('room.b', '2')
  await follower.check()
  expect(told.startOvers).toBe(1)
  expect(values()).toEqual({ 'room.b': '2' })
})

test('a stopped follower hears nothing and leaves no subscription', async () => {
  await makeBuckets(await nats.connect())
  const before = link.subscriptions
  const { follower, values } = follow()
  await vi.waitFor(() => expect(follower.loaded).toBe(true))
  follower.stop()
  await put('room.a', '1')
  await link.confirm()
  expect(values()).toEqual({})
  expect(link.subscriptions).toBe(before)
})
