// The follower of rooms over a real nats-server: new rooms, lost copies, big rooms, buckets that are not there yet or made anew.
import type { NatsConnection } from '@nats-io/transport-node'
import { createPresenceStores, keyFilters, parseRoom, type Room, roomEntryKey } from '@sluice/proto'
import { writeKey } from '@sluice/service/jetstream/key-write'
import type { Link } from '@sluice/service/nats/link'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loseBucket, makeBucket } from '../../../test/harness/buckets.ts'
import { openLink } from '../../../test/harness/links.ts'
import { type NatsServer, startNats } from '../../../test/harness/nats.ts'
import { until } from '../../../test/harness/until.ts'
import { BLIND_MS, createRoomFollower, type RoomFollower } from './room-follower.ts'

const { entries } = createPresenceStores()
const room = (name: string): Room => parseRoom(name, 128) as Room

let nats: NatsServer
let client: NatsConnection
let links: (Link & AsyncDisposable)[]
let follower: RoomFollower
let faults: Error[]
let nowMs: number

beforeEach(async () => {
  nats = await startNats()
  client = await nats.connect()
  links = [await openLink(nats.url, 'sluice-gateway data'), await openLink(nats.url, 'sluice-gateway reads')]
  faults = []
  nowMs = 0
  const [data, reads] = links as unknown as [Link, Link]
  follower = createRoomFollower({
    nats: data,
    reads,
    stream: entries.stream,
    nowMs: () => nowMs,
    onFault: (error) => faults.push(error),
  })
})
afterEach(async () => {
  follower.stop()
  for (const link of links) await link[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
})

async function write(room: Room, instance: string, text: string | null, chunk = 0): Promise<void> {
  const subject = entries.subject(roomEntryKey({ room, instance, chunk }))
  const value = text === null ? null : new TextEncoder().encode(text)
  expect(await writeKey(links[0] as Link, { subject, value })).toMatchObject({ kind: 'stored' })
}

/** Follows a room and keeps the newest state of each of its keys. */
function follow(room: Room) {
  const filter = keyFilters.room(room)
  const seen = { reads: 0, startOvers: 0, states: new Map<string, { text: string | null; revision: number }>() }
  const { stop } = follower.follow({
    stored: entries.subject(filter),
    copies: entries.followed(filter),
    weight: () => seen.states.size,
    onEntry: (subject, value, revision) => {
      const key = entries.keyOf(subject) ?? ''
      if (revision < (seen.states.get(key)?.revision ?? 0)) return
      seen.states.set(key, { text: value === null ? null : Buffer.from(value).toString(), revision })
    },
    onStartOver: () => {
      seen.startOvers++
      seen.states.clear()
    },
    onRead: () => {
      seen.reads++
    },
  })
  return { seen, stop, texts: () => [...seen.states.values()].map(({ text }) => text).sort() }
}

describe('a room', () => {
  test('is read, and what is written afterwards is heard', async () => {
    await makeBucket(client, entries)
    await write(room('lobby'), 'gw-1', 'one')
    await write(room('chat:lobby'), 'gw-1', 'another room')
    const { seen, texts } = follow(room('lobby'))
    await until(() => seen.reads > 0)
    expect(texts()).toEqual(['one'])
    await write(room('lobby'), 'gw-2', 'two')
    await until(() => texts().length === 2)
    await write(room('lobby'), 'gw-1', null)
    await until(() => texts().includes(null as never))
    expect(faults).toEqual([])
  })

  test('is waited for until its bucket is made', async () => {
    const { seen, texts } = follow(room('lobby'))
    await until(() => faults.length > 0)
    await makeBucket(client, entries)
    await until(() => seen.reads > 0)
    await write(room('lobby'), 'gw-1', 'one')
    await until(() => texts().length === 1)
  })

  test('that is no longer followed is silent', async () => {
    await makeBucket(client, entries)
    const [lobby, other] = [follow(room('lobby')), follow(room('other'))]
    await until(() => lobby.seen.reads > 0)
    lobby.stop()
    await write(room('lobby'), 'gw-1', 'one')
    await write(room('other'), 'gw-1', 'one')
    await until(() => other.texts().length === 1)
    expect(lobby.texts()).toEqual([])
  })
})

describe('many rooms', () => {
  test('that come in one turn are read by few questions', async () => {
    await makeBucket(client, entries)
    await Promise.all(Array.from({ length: 300 }, (_, n) => write(room(`room-${n}`), 'gw-1', `${n}`)))
    const before = await questions()
    const followed = Array.from({ length: 300 }, (_, n) => follow(room(`room-${n}`)))
    await until(() => followed.every(({ seen }) => seen.reads > 0))
    expect(followed.map(({ texts }) => texts())).toEqual(Array.from({ length: 300 }, (_, n) => [`${n}`]))
    expect((await questions()) - before).toBeLessThan(10)
  })

  test('with more keys than the server looks up at once are read all the same', async () => {
    await makeBucket(client, entries)
    const writes = [room('big'), room('small')].flatMap((room, at) =>
      Array.from({ length: at === 0 ? 1100 : 3 }, (_, n) => write(room, `gw-${n}`, `${n}`)),
    )
    await Promise.all(writes)
    const [big, small] = [follow(room('big')), follow(room('small'))]
    await until(() => big.seen.reads > 0 && small.seen.reads > 0)
    expect([big.texts().length, small.texts().length]).toEqual([1100, 3])
  })
})

describe('what was missed', () => {
  test('is found by a check', async () => {
    await makeBucket(client, entries)
    const { seen, texts } = follow(room('lobby'))
    await until(() => seen.reads > 0)
    // Without republishing nobody hears of a write.
    await mute()
    await write(room('lobby'), 'gw-1', 'one')
    expect(texts()).toEqual([])
    follower.check()
    await until(() => texts().length === 1)
  })

  test('and has left no trace is found where nothing was read for so long that a marker may have gone', async () => {
    await makeBucket(client, entries)
    await write(room('lobby'), 'gw-1', 'one')
    await write(room('lobby'), 'gw-2', 'two')
    const { seen, texts } = follow(room('lobby'))
    await until(() => seen.reads > 0)
    // As a marker does at its end, this takes a key away without a word.
    await forgetKey(room('lobby'), 'gw-1')
    for (const at of [BLIND_MS, 2 * BLIND_MS]) {
      nowMs = at
      const { reads } = seen
      follower.check()
      await until(() => seen.reads > reads)
    }
    expect([seen.startOvers, texts()]).toEqual([0, ['one', 'two']])
    nowMs = 3 * BLIND_MS + 1
    follower.check()
    await until(() => seen.startOvers === 1 && texts().length === 1)
    expect(texts()).toEqual(['two'])
  })

  test('in a bucket that was made anew is everything', async () => {
    await makeBucket(client, entries)
    await write(room('lobby'), 'gw-1', 'one')
    const { seen, texts } = follow(room('lobby'))
    await until(() => seen.reads > 0)
    await loseBucket(client, entries)
    await makeBucket(client, entries)
    follower.check()
    await until(() => seen.startOvers === 1)
    await write(room('lobby'), 'gw-2', 'two')
    await until(() => texts().length === 1)
    expect(texts()).toEqual(['two'])
  })
})

/** Direct gets that the server was asked so far. */
async function questions(): Promise<number> {
  const connections = await nats.gatewayConnections()
  return connections.find(({ name }) => name === 'sluice-gateway reads')?.in_msgs ?? 0
}

async function forgetKey(room: Room, instance: string): Promise<void> {
  const filter = entries.subject(roomEntryKey({ room, instance, chunk: 0 }))
  const message = await client.request(`$JS.API.STREAM.PURGE.${entries.stream}`, JSON.stringify({ filter }))
  expect(message.json()).toMatchObject({ purged: 1 })
}

async function mute(): Promise<void> {
  const ask = async (verb: string, question: object) =>
    (await client.request(`$JS.API.${verb}.${entries.stream}`, JSON.stringify(question))).json<{
      config: Record<string, unknown>
      error?: unknown
    }>()
  const { config } = await ask('STREAM.INFO', {})
  const { republish: _, ...rest } = config
  expect((await ask('STREAM.UPDATE', rest)).error).toBeUndefined()
}
