import type { NatsConnection } from '@nats-io/transport-node'
import { createPresenceStores } from '@sluice/proto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeBuckets } from '../../../test/harness/buckets.ts'
import { openLink } from '../../../test/harness/links.ts'
import { type NatsServer, startNats } from '../../../test/harness/nats.ts'
import type { Link } from '../nats/link.ts'
import { readBatch, type StoredMessage } from './direct-get.ts'
import { readKeyAtLeader, writeKey } from './key-write.ts'
import { streamState } from './stream-info.ts'

const { entries } = createPresenceStores()
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

let nats: NatsServer
let link: Link & AsyncDisposable
let client: NatsConnection
beforeAll(async () => {
  nats = await startNats()
  client = await nats.connect()
  await makeBuckets(client)
  link = await openLink(nats.url)
})
afterAll(async () => {
  await link[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
})

async function store(key: string, value: string | null, expected?: number) {
  const write = { subject: entries.subject(key), value: value === null ? null : bytes(value) }
  return writeKey(link, expected === undefined ? write : { ...write, expected })
}

describe('the state of a stream', () => {
  test('is null where there is none', async () => {
    expect(await streamState(link, 'NOT_THERE')).toBe(null)
  })

  test('tells the last sequence, which grows with each write', async () => {
    const before = await streamState(link, entries.stream)
    await store('state.a', '1')
    const after = await streamState(link, entries.stream)
    expect(after?.lastSequence).toBe((before?.lastSequence ?? 0) + 1)
    expect(after?.created).toBe(before?.created)
  })
})

describe('a write of a key', () => {
  test('is stored with its revision, and refused where the revision is another', async () => {
    const first = await store('write.a', '1', 0)
    if (first.kind !== 'stored') throw new Error(first.kind)
    expect(await store('write.a', '2', 0)).toEqual({ kind: 'conflict' })
    expect(await store('write.a', '2', first.revision)).toMatchObject({ kind: 'stored' })
    const held = await readKeyAtLeader(link, entries.stream, entries.subject('write.a'))
    expect(new TextDecoder().decode(held?.value)).toBe('2')
  })

  test('is unknown where there is no bucket', async () => {
    expect(await writeKey(link, { subject: '$KV.no_bucket.a', value: bytes('1') })).toMatchObject({ kind: 'unknown' })
  })

  test('that deletes leaves a marker, which the leader tells from a value and from nothing', async () => {
    await store('write.b', '1')
    await store('write.b', null)
    expect(await readKeyAtLeader(link, entries.stream, entries.subject('write.b'))).toMatchObject({ deleted: true })
    expect(await readKeyAtLeader(link, entries.stream, entries.subject('write.never'))).toBe(null)
  })
})

describe('a batched read', () => {
  const read = async (question: Parameters<typeof readBatch>[2], stream = entries.stream) => {
    const messages: StoredMessage[] = []
    const before = link.subscriptions
    const end = await readBatch(link, stream, question, (message) => messages.push(message))
    expect(link.subscriptions).toBe(before)
    return { end, keys: messages.map(({ subject }) => entries.keyOf(subject)) }
  }
  const all = (filter: string, batch = 100) => ({
    batch,
    max_bytes: 1_048_576,
    seq: 1,
    next_by_subj: entries.subject(filter),
  })

  test('brings what matches in order, and says how much is left', async () => {
    for (let at = 0; at < 5; at++) await store(`read.${at}`, `${at}`)
    const { end, keys } = await read(all('read.*', 3))
    expect(keys).toEqual(['read.0', 'read.1', 'read.2'])
    expect(end).toMatchObject({ kind: 'end', pending: 2 })
    expect((await read(all('read.*'))).end).toMatchObject({ kind: 'end', pending: 0 })
  })

  test('says that nothing matches', async () => {
    expect(await read(all('nothing.*'))).toEqual({ end: { kind: 'none' }, keys: [] })
  })

  test('breaks off where there is no such stream', async () => {
    expect((await read(all('read.*'), 'NOT_THERE')).end.kind).toBe('broken')
  })

  test('brings deletions too', async () => {
    await store('gone.a', '1')
    await store('gone.a', null)
    const operations: string[] = []
    await readBatch(link, entries.stream, all('gone.*'), ({ operation }) => operations.push(operation))
    expect(operations).toEqual(['PURGE'])
  })
})
