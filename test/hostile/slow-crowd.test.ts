// Slow readers among thousands: whether the others notice. Latencies are compared within one run, quiet before and after.
import { expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import type { NatsServer } from '../harness/nats.ts'
import { nowMicros, type SocketCrowd, startSocketCrowd } from '../harness/socket-crowd.ts'
import { test } from '../harness/stage.ts'
import { until } from '../harness/until.ts'

const MiB = 1024 * 1024
const MEMBERS = 5000
const SLOW = MEMBERS / 20
const ROOM = 'drops:crowd'
/** Where only the slow ones are: fills what kernels hold for them, some megabytes each, in seconds. */
const FILLER = 'drops:filler'
const FILL = JSON.stringify('x'.repeat(65_400))
/** Of these with each message while somebody stalls: half of what makes a queue run over again. */
const OVERRUNS = 2
const QUEUE_BYTES_MAX = MiB / 2
/** Messages of a slice, one each 200 ms: twenty-five thousand deliveries a second. */
const MESSAGES = 15
const EVERY_MS = 200
/** Each tenth of the others says how late a message came. */
const TIMED_EVERY = 10
/** What one machine does beside the test shows as lateness too: the claim has to hold in one round of three. */
const ROUNDS = 3
const RATIO_MAX = 1.5
/** A delivery to thousands takes tens of milliseconds anyway: what is less than this apart is no difference. */
const NOISE_MS = 5
const SLACK_BYTES = 64 * MiB

const anyone = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const settings = {
  limits: { queueBytesMax: QUEUE_BYTES_MAX, silenceMs: 1_800_000 },
  accept: { userConnectionsMax: MEMBERS },
  namespaces: { drops: { ...anyone, slowReaders: 'drop' } },
}

/** What a slice showed. */
interface Slice {
  readonly p99Ms: number
  /** CPU time of the gateway. */
  readonly cpuMs: number
}

type Round = readonly [first: Slice, stalled: Slice, last: Slice]

/** Publishes at a steady pace to a room whose others all hear it; and, where somebody stalls, so much more to those that their queues run over on and on. */
async function slice(nats: NatsServer, gateway: GatewayProcess, others: SocketCrowd, overruns = 0): Promise<Slice> {
  const service = await nats.connect()
  const before = (await others.count()).messages
  const cpuBefore = (await gateway.metrics()).value('process_cpu_seconds_total')
  for (let n = 0; n < MESSAGES; n++) {
    service.publish('sluice.room.drops.crowd', JSON.stringify({ at: nowMicros(), text: 'x'.repeat(80) }))
    for (let more = 0; more < overruns; more++) service.publish('sluice.room.drops.filler', FILL)
    const sentAt = performance.now()
    await until(() => performance.now() - sentAt >= EVERY_MS, { everyMs: EVERY_MS / 5 })
  }
  const latencies: number[] = []
  await eventually(async () => {
    const { messages, latenciesMs } = await others.count()
    latencies.push(...latenciesMs)
    return messages - before
  }, 30_000).toBe(MESSAGES * (MEMBERS - SLOW))
  await service.close()
  const cpu = (await gateway.metrics()).value('process_cpu_seconds_total') - cpuBefore
  const sorted = latencies.toSorted((a, b) => a - b)
  return { p99Ms: sorted[Math.floor(sorted.length * 0.99)] as number, cpuMs: cpu * 1000 }
}

/** Until what the kernels hold is full, and the queues of nearly all of them have run over; how many messages that took. */
async function fill(nats: NatsServer, gateway: GatewayProcess): Promise<number> {
  const service = await nats.connect()
  const dropped = (await gateway.metrics()).value('deliveries_dropped_total')
  let published = 0
  await until(
    async () => {
      for (let n = 0; n < 4; n++, published++) service.publish('sluice.room.drops.filler', FILL)
      await service.flush()
      const metrics = await gateway.metrics()
      const full = metrics.value('queue_bytes') > (SLOW * QUEUE_BYTES_MAX) / 3
      return full && metrics.value('deliveries_dropped_total') > dropped + SLOW
    },
    { timeoutMs: 60_000, everyMs: 5, what: 'full queues' },
  )
  await service.close()
  return published
}

/** Whether neither the others nor the gateway have noticed. */
function unnoticed([first, stalled, last]: Round): boolean {
  const bound = (a: number, b: number): number => ((a + b) / 2) * RATIO_MAX
  return stalled.p99Ms <= bound(first.p99Ms, last.p99Ms) + NOISE_MS && stalled.cpuMs <= bound(first.cpuMs, last.cpuMs)
}

function told(rounds: readonly Round[], pick: (slice: Slice) => number): string {
  return rounds.map((round) => round.map((one) => pick(one).toFixed(0)).join(', ')).join('; ')
}

test('case 44: of 5,000 members 5 % stop reading: the others hear all of it no later than before, and memory is bounded', {
  timeout: 180_000,
}, async ({ stage }) => {
  const nats = await stage.nats()
  const gateway = await stage.gateway(nats, { settings })
  const others = stage.use(
    await startSocketCrowd(gateway, { size: MEMBERS - SLOW, rooms: [ROOM], timedEvery: TIMED_EVERY }),
  )
  const rounds: Round[] = []
  let growth = 0
  while (rounds.length < ROUNDS && !rounds.some(unnoticed)) {
    const slow = stage.use(await startSocketCrowd(gateway, { size: SLOW, rooms: [ROOM, FILLER], timedEvery: MEMBERS }))
    await slice(nats, gateway, others)
    const before = (await gateway.metrics()).value('process_resident_memory_bytes')
    const first = await slice(nats, gateway, others)
    slow.stop()
    await fill(nats, gateway)
    const stalled = await slice(nats, gateway, others, OVERRUNS)
    const metrics = await gateway.metrics()
    growth = Math.max(growth, metrics.value('process_resident_memory_bytes') - before)
    expect(metrics.value('queue_bytes')).toBeLessThan(SLOW * QUEUE_BYTES_MAX)
    expect(metrics.value('connections')).toBe(MEMBERS)
    // Killed, not woken: a gigabyte that kernels hold for them would keep the machine busy through the next slice.
    await slow[Symbol.asyncDispose]()
    await eventually(async () => (await gateway.metrics()).value('connections'), 20_000).toBe(MEMBERS - SLOW)
    rounds.push([first, stalled, await slice(nats, gateway, others)])
  }
  const text = `p99 ${told(rounds, ({ p99Ms }) => p99Ms)} ms, CPU ${told(rounds, ({ cpuMs }) => cpuMs)} ms`
  console.log(`quiet, stalled, quiet: ${text}; resident +${(growth / MiB).toFixed(0)} MiB`)
  expect(rounds.some(unnoticed), text).toBe(true)
  expect(growth).toBeLessThan(SLOW * QUEUE_BYTES_MAX + SLACK_BYTES)
  expect(await others.count()).toMatchObject({ closed: 0, gaps: 0 })
})
