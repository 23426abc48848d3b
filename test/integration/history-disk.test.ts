// What the streams of history take on disk: the server's own files, not the numbers that it tells. It frees a block of 4 MiB when nothing in
// it is kept, and rewrites one of which less than half is, some of them only when it tidies up.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { NatsConnection } from '@nats-io/transport-node'
import { createHistoryStores, createSubjects } from '@sluice/proto'
import { expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { type Stage, test } from '../harness/stage.ts'
import { until } from '../harness/until.ts'

const { stream } = createHistoryStores().room('chat')
const room = (local: string): string => createSubjects('sluice').publishRoom({ namespace: 'chat', local })
const BLOCK_BYTES = 4 * 1024 * 1024

interface State {
  readonly messages: number
  readonly bytes: number
  readonly last_seq: number
}

async function stateOf(client: NatsConnection): Promise<State> {
  return (await client.request(`$JS.API.STREAM.INFO.${stream}`)).json<{ state: State }>().state
}

/** A router with 1000 messages for each room, on a server whose files we know: the later block of its configuration counts. */
async function kept(stage: Stage, setting = ''): Promise<{ readonly client: NatsConnection; readonly folder: string }> {
  const folder = join(stage.folder(), 'store')
  const nats = await stage.nats({ lines: [`jetstream { store_dir: "${folder}"${setting} }`] })
  const namespaces = { chat: { history: { messages: 1000, seconds: 3600 } } }
  await stage.router(nats, { SLUICE_NAMESPACES: JSON.stringify(namespaces) })
  return { client: await nats.connect(), folder }
}

function bytesBelow(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return files.reduce((sum, file) => {
    // A block may go between the listing and this.
    const stats = statSync(join(file.parentPath, file.name), { throwIfNoEntry: false })
    return sum + (stats?.size ?? 0)
  }, 0)
}

/** Acknowledged every 2 MB, so that the server's queue never overruns. */
async function fill(client: NatsConnection, rooms: readonly string[], times: number, bytes: number): Promise<void> {
  const payload = Buffer.alloc(bytes, 'x')
  const every = Math.ceil(2_000_000 / bytes / rooms.length)
  for (let at = 0; at < times; at++) {
    for (const local of rooms.slice(1)) client.publish(room(local), payload)
    if (at % every === 0) await client.request(room(rooms[0] as string), payload, { timeout: 10_000 })
    else client.publish(room(rooms[0] as string), payload)
  }
  await client.flush()
}

test('the disk stays within 1.2 times the first fill while ten times as much is published', {
  timeout: 120_000,
}, async ({ stage }) => {
  const { client, folder } = await kept(stage)
  const rooms = ['a', 'b', 'c', 'd']
  await fill(client, rooms, 1000, 8192)
  await eventually(async () => (await stateOf(client)).messages).toBe(4000)
  const first = bytesBelow(folder)
  let most = 0
  for (let round = 0; round < 10; round++) {
    await fill(client, rooms, 1000, 8192)
    most = Math.max(most, bytesBelow(folder))
  }
  await eventually(async () => (await stateOf(client)).last_seq).toBe(44_000)
  most = Math.max(most, bytesBelow(folder))
  expect((await stateOf(client)).messages).toBe(4000)
  expect(most / first).toBeLessThan(1.2)
})

test('the disk, where quiet rooms lie between busy ones, stays within twice what is kept and a block, once the server has tidied up', {
  timeout: 120_000,
}, async ({ stage }) => {
  // By default it tidies every two minutes.
  const { client, folder } = await kept(stage, ', sync_interval: "1s"')
  for (let at = 0; at < 100; at++) {
    await fill(client, ['a', 'b', 'c', 'd'], 100, 1024)
    await client.request(room(`quiet-${at}`), 'x')
  }
  const bytes = await until(async () => {
    const state = await stateOf(client)
    return state.messages === 4100 && state.bytes
  })
  await eventually(() => bytesBelow(folder), 20_000).toBeLessThan(2 * bytes + BLOCK_BYTES)
})
