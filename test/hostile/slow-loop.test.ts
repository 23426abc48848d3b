// A gateway whose event loop stands still under load: NATS takes it for a slow consumer and cuts it off. What comes back, and what does not.
import { expect } from 'vitest'
import { BLOCKABLE, blockLoop } from '../harness/blocked-loop.ts'
import { library, record } from '../harness/client-library.ts'
import { eventually } from '../harness/eventually.ts'
import { HISTORY_SETTINGS } from '../harness/history.ts'
import { test } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'
import { until } from '../harness/until.ts'

const MiB = 1024 * 1024
const BLOCK_MS = 5000
/** What NATS holds for one connection before it cuts it off; 64 MiB by default, which the same test needs as much more load for. */
const MAX_PENDING = 'max_pending: 1MB'
const ROOMS = 4
const MESSAGE_BYTES = 16 * 1024
/** To each room, of those with history and of the others; 32 MiB in all. */
const MESSAGES = 256
/** Rings of four rooms, the frames of a repair, queues of four readers, and what the collector has not come to. */
const GROWTH_BYTES_MAX = 64 * MiB

test('case 48: blocked for 5 s under load, a gateway says so, brings what histories keep, and holds no more than its bounds', {
  timeout: 120_000,
}, async ({ stage }) => {
  const nats = await stage.nats({ lines: [MAX_PENDING] })
  await stage.router(nats, { SLUICE_NAMESPACES: JSON.stringify(HISTORY_SETTINGS.namespaces) })
  const { namespaces } = HISTORY_SETTINGS
  const gateway = await stage.gateway(nats, { settings: { namespaces }, env: BLOCKABLE })
  const readers = await Promise.all(
    Array.from({ length: ROOMS }, async (_, at) => {
      const token = await makeToken(`reader${at}`)
      const { sluice } = library(stage, gateway.url, { token })
      const [kept, live] = [record(sluice.room(`chat:r${at}`)), record(sluice.room(`r${at}`))]
      await Promise.all([kept.room.ready(), live.room.ready()])
      return { kept, live }
    }),
  )
  const service = await nats.connect()
  const pad = 'x'.repeat(MESSAGE_BYTES)
  let sent = 0
  async function publish(messages: number): Promise<void> {
    for (let n = 0; n < messages; n++, sent++) {
      for (let at = 0; at < ROOMS; at++) {
        service.publish(`sluice.pub.room.chat.r${at}`, JSON.stringify({ n: sent, pad }))
        service.publish(`sluice.room.default.r${at}`, JSON.stringify({ n: sent, pad }))
      }
      await service.flush()
    }
  }
  await publish(16)
  await eventually(() => readers.map(({ kept, live }) => [kept.data.length, live.data.length]), 20_000).toEqual(
    readers.map(() => [16, 16]),
  )
  const before = (await gateway.metrics()).value('process_resident_memory_bytes')

  const blocked = blockLoop(gateway.child, BLOCK_MS)
  await publish(MESSAGES)
  const publishedAt = performance.now()
  await blocked
  const late = performance.now() - publishedAt
  expect(late, 'all was published while nobody read').toBeGreaterThan(0)

  const metrics = await gateway.metrics()
  expect(metrics.value('event_loop_delay_max_seconds')).toBeGreaterThan((BLOCK_MS / 1000) * 0.8)
  await eventually(async () => (await gateway.metrics()).value('nats_reconnects_total'), 20_000).toBeGreaterThan(0)
  await eventually(() => readers.map(({ kept }) => numbersOf(kept.data)), 60_000).toEqual(
    readers.map(() => Array.from({ length: sent }, (_, n) => n)),
  )
  let growth = 0
  await until(
    async () => {
      service.publish('sluice.room.default.r0', JSON.stringify({ n: -1 }))
      growth = Math.max(growth, (await gateway.metrics()).value('process_resident_memory_bytes') - before)
      return numbersOf(readers[0]?.live.data ?? []).includes(-1)
    },
    { timeoutMs: 20_000, everyMs: 200, what: 'a live message' },
  )
  const lost = readers.map(({ live }) => sent - numbersOf(live.data).filter((n) => n >= 0).length)
  console.log(`lost of ${sent} ephemeral messages each: ${lost}; resident +${(growth / MiB).toFixed(1)} MiB`)
  expect(Math.max(...lost), 'NATS cut the gateway off').toBeGreaterThan(0)
  expect(readers.flatMap(({ kept }) => kept.events.filter(([name]) => name === 'gap' || name === 'fault'))).toEqual([])
  for (const { live } of readers)
    expect(numbersOf(live.data).slice(0, 16)).toEqual(Array.from({ length: 16 }, (_, n) => n))
  expect(growth).toBeLessThan(GROWTH_BYTES_MAX)
})

function numbersOf(data: readonly unknown[]): number[] {
  return data.map((one) => (one as { n: number }).n)
}
