// What a gateway holds for readers that have stopped, by the two policies. SLUICE_SLOW_MIB publishes another volume than the test's own.
import { expect } from 'vitest'
import type { Client, Frame } from '../harness/client.ts'
import { countingReader } from '../harness/counting-reader.ts'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import { type Stage, test } from '../harness/stage.ts'
import { until } from '../harness/until.ts'

const MiB = 1024 * 1024
const MESSAGE_BYTES = 64 * 1024
/** Published to the room. Each of the stalled readers is to get all of it: four times this would wait for them without a bound. */
const PUBLISHED_MIB = Number(process.env.SLUICE_SLOW_MIB ?? 256)
const STALLED = 4
const QUEUE_BYTES_MAX = MiB
/** Messages under way at a time, so that the one that reads never runs over. */
const UNDER_WAY = 8
/** Messages before anybody stalls. */
const WARM_UP = 256
/** Read buffers of NATS, frames under way, and what the collector has not come to: 256 MiB would not fit into it. */
const SLACK_BYTES = 64 * MiB

const anyone = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const settings = {
  limits: { queueBytesMax: QUEUE_BYTES_MAX, publishesPerSecond: 100_000, publishBurst: 200_000 },
  accept: { userConnectionsMax: 1000 },
  namespaces: { closes: anyone, drops: { ...anyone, slowReaders: 'drop' } },
}

interface Held {
  readonly gateway: GatewayProcess
  readonly stalled: readonly Client[]
  readonly messages: number
}

async function residentBytes(gateway: GatewayProcess): Promise<number> {
  return (await gateway.metrics()).value('process_resident_memory_bytes')
}

/** Floods a room in which one reads and the others have stopped. */
async function flood(stage: Stage, room: string): Promise<Held> {
  const nats = await stage.nats()
  const gateway = await stage.gateway(nats, { settings })
  const reader = await countingReader(stage, gateway, room)
  const service = await nats.connect()
  const subject = `sluice.room.${room.replace(':', '.')}`
  const pad = 'x'.repeat(MESSAGE_BYTES - 40)
  let sent = 0
  async function publish(messages: number, each: () => Promise<void>): Promise<void> {
    for (let n = 0; n < messages; n++) {
      service.publish(subject, `{"n":${sent},"pad":"${pad}"}`)
      sent++
      await until(() => reader.heard > sent - UNDER_WAY, { timeoutMs: 30_000, everyMs: 1 })
      if (sent % 128 === 0) await each()
    }
  }
  // The pages that any flood needs are there before the one that is measured.
  await publish(WARM_UP, async () => undefined)
  const stalled = await Promise.all(Array.from({ length: STALLED }, (_, at) => stage.user(gateway, `slow${at}`)))
  for (const one of stalled) (await one.join(room)).socket.pause()
  const before = await residentBytes(gateway)
  let [residentGrowth, queueBytesMost] = [0, 0]
  const messages = PUBLISHED_MIB * (MiB / MESSAGE_BYTES)
  await publish(messages, async () => {
    residentGrowth = Math.max(residentGrowth, (await residentBytes(gateway)) - before)
    queueBytesMost = Math.max(queueBytesMost, (await gateway.metrics()).value('queue_bytes'))
  })
  await eventually(() => reader.heard, 30_000).toBe(messages + WARM_UP)
  console.log(`${PUBLISHED_MIB} MiB published, ${STALLED} stalled: resident +${(residentGrowth / MiB).toFixed(1)} MiB`)
  expect(residentGrowth).toBeLessThan(STALLED * QUEUE_BYTES_MAX + SLACK_BYTES)
  expect(queueBytesMost).toBeLessThan((STALLED + 1) * QUEUE_BYTES_MAX)
  expect(reader).toMatchObject({ inOrder: true, closeCode: null })
  return { gateway, stalled, messages }
}

const TEST_MS = 60_000 + PUBLISHED_MIB * 500

test('a gigabyte for stalled readers is not held: where the namespace closes, each gets 4008', {
  timeout: TEST_MS,
}, async ({ stage }) => {
  const { gateway, stalled } = await flood(stage, 'closes:flood')
  expect((await gateway.metrics()).value('slow_consumers_total')).toBe(STALLED)
  for (const one of stalled) one.socket.resume()
  // One whose buffers stay full for longer than the close waits is cut off without its frame.
  for (const one of stalled) expect([4008, 1006]).toContain((await one.closed).code)
  await eventually(async () => (await gateway.metrics()).value('closes_total', { code: '4008' })).toBe(STALLED)
})

test('a gigabyte for stalled readers is not held: where the namespace drops, each is told how much it has missed', {
  timeout: TEST_MS,
}, async ({ stage }) => {
  const { gateway, stalled, messages } = await flood(stage, 'drops:flood')
  const metrics = await gateway.metrics()
  expect(metrics.value('slow_consumers_total')).toBe(0)
  const dropped = metrics.value('deliveries_dropped_total')
  expect(dropped).toBeGreaterThan((STALLED * messages) / 2)
  for (const one of stalled) one.socket.resume()
  const told = ({ frames }: Client): number =>
    frames.reduce((sum, frame) => sum + (frame.type === 'gap' ? Number(frame.missed) : Number(isMessage(frame))), 0)
  await eventually(() => stalled.map(told), 20_000).toEqual(stalled.map(() => messages))
  const missed = stalled.flatMap(({ frames }) => frames.filter(({ type }) => type === 'gap'))
  expect(missed.reduce((sum, frame) => sum + Number(frame.missed), 0)).toBe(dropped)
  expect(missed).toSatisfy((gaps: Frame[]) =>
    gaps.every(({ reason, room }) => reason === 'slow' && room === 'drops:flood'),
  )
  for (const one of stalled) expect(numbers(one)).toEqual(numbers(one).toSorted((a, b) => a - b))
  await eventually(async () => (await gateway.metrics()).value('queue_bytes')).toBe(0)
})

function isMessage({ type }: Frame): boolean {
  return type === 'message'
}

function numbers({ frames }: Client): number[] {
  return frames.filter(isMessage).map(({ data }) => (data as { n: number }).n)
}
