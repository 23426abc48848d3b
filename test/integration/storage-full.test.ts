// NATS has no room left for what is stored: its limit is reached, or the disk is full. What is stored is refused with a code that clients
// know; what is not stored goes on; nobody is shown as gone; and all heals when there is room again.
import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHistoryStores } from '@sluice/proto'
import { expect } from 'vitest'
import type { Client, Frame } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { DEFAULT_SETTINGS } from '../harness/gateway.ts'
import { brokenLinks, messagesOf } from '../harness/history.ts'
import type { NatsServer } from '../harness/nats.ts'
import { type Stage, test } from '../harness/stage.ts'
import { until } from '../harness/until.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const namespaces = {
  default: { ...open, presence: true },
  chat: { ...open, history: { messages: 100_000, seconds: 3600 } },
}
const { stream } = createHistoryStores().room('chat')
const KEPT = 'chat:full'
/** Nobody is in it: what fills NATS need not fill sockets. */
const FILLED = 'chat:filled'
const LIVE = 'hall'
/** Longer than a lease lives without being renewed. */
const LEASE_OVER_MS = 15_000
const HEAL_MS = 40_000
const ANSWER_MS = 20_000
const MEGABYTE = 1_048_576

interface Scene {
  readonly ann: Client
  readonly ben: Client
}

async function scene(stage: Stage, nats: NatsServer): Promise<Scene> {
  await stage.router(nats, { SLUICE_NAMESPACES: JSON.stringify(namespaces) })
  const settings = { ...DEFAULT_SETTINGS, namespaces }
  const start = () => stage.gateway(nats, { settings, expectErrors: true })
  const [one, two] = await Promise.all([start(), start()])
  const [ann, ben] = [await stage.user(one, 'ann'), await stage.user(two, 'ben')]
  for (const client of [ann, ben]) {
    await client.ok({ type: 'join', room: KEPT }, ANSWER_MS)
    await client.ok({ type: 'join', room: LIVE, presence: true }, ANSWER_MS)
  }
  await eventually(() => seen(ann, 'joined'), ANSWER_MS).toEqual(['ben'])
  return { ann, ben }
}

function seen({ frames }: Client, what: 'joined' | 'left'): string[] {
  return frames.filter(({ type }) => type === what).map(({ member }) => (member as { user: string }).user)
}

/** Publishes until there is no more room; how that was told. */
async function fill(client: Client): Promise<Frame> {
  const data = 'x'.repeat(50_000)
  return until(
    async () => {
      const answers = Array.from({ length: 8 }, () => client.request({ type: 'publish', room: FILLED, data }, 30_000))
      return (await Promise.all(answers)).find(({ type }) => type !== 'ok')
    },
    { timeoutMs: 60_000, everyMs: 1 },
  )
}

/** What must hold while there is no room, for as long as is said. */
async function holdOut({ ann, ben }: Scene, ms: number): Promise<void> {
  const endsAt = performance.now() + ms
  let count = 0
  await until(
    async () => {
      await ann.ok({ type: 'publish', room: LIVE, data: count++ }, ANSWER_MS)
      await ben.ok({ type: 'send', user: 'ann', data: count }, ANSWER_MS)
      return performance.now() > endsAt
    },
    { timeoutMs: 4 * LEASE_OVER_MS, everyMs: 200 },
  )
  await eventually(() => ben.dataOf(LIVE).at(-1), ANSWER_MS).toBe(count - 1)
  expect(ben.dataOf(LIVE)).toEqual(Array.from({ length: count }, (_, at) => at))
  expect([...seen(ann, 'left'), ...seen(ben, 'left')]).toEqual([])
}

/** What must be true again. */
async function healed({ ann, ben }: Scene): Promise<void> {
  await eventually(
    async () => (await ann.request({ type: 'publish', room: KEPT, data: 'room' }, 20_000)).type,
    HEAL_MS,
  ).toBe('ok')
  const last = await ann.ok({ type: 'publish', room: KEPT, data: 'last' }, 20_000)
  for (const client of [ann, ben]) {
    await eventually(() => messagesOf(client, KEPT).at(-1)?.offset, HEAL_MS).toBe(last.offset)
    expect(brokenLinks(messagesOf(client, KEPT))).toEqual([])
    expect(client.frames.filter(({ type }) => type === 'gap')).toEqual([])
    expect(client.close).toBeNull()
  }
  await ben.ok({ type: 'leave', room: LIVE }, ANSWER_MS)
  await eventually(() => seen(ann, 'left'), HEAL_MS).toEqual(['ben'])
}

test('NATS at its limit refuses what is stored, and heals when something is purged', { timeout: 180_000 }, async ({
  stage,
}) => {
  const folder = join(stage.folder(), 'store')
  // The router's stream of events reserves 16 MB of it.
  const nats = await stage.nats({ lines: [`jetstream { store_dir: "${folder}", max_file_store: ${32 * MEGABYTE} }`] })
  const run = await scene(stage, nats)
  expect(await fill(run.ann)).toMatchObject({ code: 'unavailable', retryAfterMs: expect.any(Number) })
  await holdOut(run, LEASE_OVER_MS)
  await (await nats.connect()).request(`$JS.API.STREAM.PURGE.${stream}`, '{}')
  await healed(run)
})

/** A disk of a test's own in memory; false where that is not allowed. */
function mountSmallDisk(stage: Stage, folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return false
  }
  stage.use({ [Symbol.asyncDispose]: async () => void execFileSync('umount', ['-l', folder]) })
  return true
}

test('a full disk refuses what is stored, and NATS heals when it is started again with room', {
  timeout: 180_000,
}, async ({ stage, skip }) => {
  const folder = stage.folder()
  skip(!mountSmallDisk(stage, folder), 'a small disk cannot be mounted here: that needs Linux and root')
  const filler = join(folder, 'filler')
  const nats = await stage.nats({ lines: [`jetstream { store_dir: "${join(folder, 'store')}" }`] })
  const run = await scene(stage, nats)
  writeFileSync(filler, Buffer.alloc(40 * MEGABYTE))
  expect(await fill(run.ann)).toMatchObject({ code: 'unavailable', retryAfterMs: expect.any(Number) })
  await holdOut(run, 1000)
  rmSync(filler)
  // A server that could not write stores nothing more until it is started again.
  await nats.stop()
  await nats.start()
  await healed(run)
})
