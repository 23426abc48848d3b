// B10: one reader of a room of a hundred stops. Slices with and without it, in turn: the others' p99 must not change, and what the gateway
// holds must not grow by more than one queue's bound.
import { setTimeout as pause } from 'node:timers/promises'
import { createSubjects } from '@sluice/proto'
import { parseMetrics } from '../../harness/metrics.ts'
import { exactly, type PartReport, skippedPart } from '../figures.ts'
import { type Floor, NoCompiler, type PartOptions, startFloor } from '../floor.ts'
import { quantile, ratiosToNeighbours, summarise } from '../measure/statistics.ts'
import { type BenchGateway, startGateway } from '../servers/gateway.ts'
import type { Crowd } from '../sink/crowd-process.ts'
import { quartilesOf } from '../told.ts'
import type { Part } from './part.ts'
import { publishTimed, timedPayload } from './timed-publishes.ts'

/** The part. */
export const SLOW_READER: Part = { id: 'slow-reader', title: 'one reader of a hundred stops', usual: true, run }

const READERS = 99
const ROOM = 1
const PREFIX = 'bench-slow'
const QUEUE_BYTES_MAX = 1024 * 1024
/** 1.4 MiB in a slice: more than a queue takes. */
const TRAFFIC = { perSecond: 180, bytes: 4 * 1024, forMs: 2000 }
/** Sent to the one reader alone before a slice: the system's buffers take 2.5 to 3.3 MiB for a socket (seen on Linux 6). */
const FILL = { messages: 48, bytes: 64 * 1024, atOnce: 6, everyMs: 60 }
const ROUNDS = 20
const ROUNDS_QUICK = 5
/** Unchanged, as far as a machine can tell. */
const RATIO_MAX = 1.1
/** A small buffer at the reader that stops, so that the gateway's queue is what fills. */
const RECEIVE_BYTES = 4096
const LOOK_MS = 100

interface SlowSlice {
  readonly p99Ms: number
  readonly queueBytesMost: number
  readonly fault: string | null
}

async function run(options: PartOptions): Promise<PartReport> {
  try {
    return await measure(options)
  } catch (error) {
    if (error instanceof NoCompiler) return skippedPart(SLOW_READER.id, SLOW_READER.title, error.message)
    throw error
  }
}

async function measure(options: PartOptions): Promise<PartReport> {
  await using floor = await startFloor(options)
  const gateway = await startGateway(floor.processes, { ...floor, name: 'gateway', prefix: PREFIX })
  const crowd = await floor.crowd()
  options.say(`slow-reader: ${READERS} who read, and one who may not`)
  const plans = await Promise.all(Array.from({ length: READERS }, (_, at) => gateway.clientOf(at, [ROOM])))
  await crowd.open('readers', gateway.port, plans)
  const found: { stopped: boolean; slice: SlowSlice }[] = []
  const rounds = options.quick ? ROUNDS_QUICK : ROUNDS
  for (let at = -1; at < rounds * 2 + 1; at++) {
    const stopped = at % 2 === 1
    const slice = await takeSlice({ floor, gateway, crowd }, stopped)
    if (at >= 0) found.push({ stopped, slice })
  }
  return reportOf(found, await slowConsumers(gateway))
}

async function takeSlice(
  { floor, gateway, crowd }: { readonly floor: Floor; readonly gateway: BenchGateway; readonly crowd: Crowd },
  stopped: boolean,
): Promise<SlowSlice> {
  const plan = await gateway.clientOf(READERS, [ROOM])
  await crowd.open('slow', gateway.port, [plan], { receiveBytes: stopped ? RECEIVE_BYTES : 0 })
  if (stopped) await crowd.pause('slow', 0)
  await fill(floor)
  let queueBytesMost = 0
  const timer = setInterval(async () => {
    queueBytesMost = Math.max(queueBytesMost, await metric(gateway, 'queue_bytes').catch(() => 0))
  }, LOOK_MS)
  const slice = await publishTimed(
    crowd,
    'readers',
    { source: floor.source, prefix: PREFIX, room: ROOM, ...TRAFFIC },
    READERS,
  )
  clearInterval(timer)
  await crowd.close('slow')
  const fault = slice.delaysMs.length === 0 ? 'nobody received anything' : slice.fault
  return { p99Ms: fault === null ? quantile(slice.delaysMs, 0.99) : Number.NaN, queueBytesMost, fault }
}

/** What waits for the one who stops then waits in the gateway. Who reads reads it before the slice. */
async function fill({ source: { nats } }: Floor): Promise<void> {
  const subjects = createSubjects(PREFIX)
  const subject = subjects.user(`user-${READERS}` as Parameters<typeof subjects.user>[0])
  for (let at = 0; at < FILL.messages; at++) {
    nats.publish(subject, timedPayload(0n, at, FILL.bytes))
    if ((at + 1) % FILL.atOnce === 0) await pause(FILL.everyMs)
  }
  await nats.flush()
}

async function metric({ adminPort }: BenchGateway, name: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/metrics`)
  return parseMetrics(await response.text()).value(name)
}

const slowConsumers = (gateway: BenchGateway): Promise<number> => metric(gateway, 'slow_consumers_total')

function reportOf(found: readonly { stopped: boolean; slice: SlowSlice }[], closed: number): PartReport {
  const costs = found.map(({ stopped, slice }) => ({
    server: stopped ? 'stopped' : 'reading',
    micros: slice.fault === null ? slice.p99Ms * 1000 : Number.NaN,
  }))
  const ratio = summarise(ratiosToNeighbours(costs, 'reading').get('stopped') ?? [])
  const of = (stopped: boolean): SlowSlice[] => found.filter((one) => one.stopped === stopped).map(({ slice }) => slice)
  const most = (slices: readonly SlowSlice[]): number => Math.max(...slices.map(({ queueBytesMost }) => queueBytesMost))
  const row = (name: string, slices: readonly SlowSlice[]): string[] => {
    const p99 = summarise(slices.flatMap(({ p99Ms, fault }) => (fault === null ? [p99Ms] : [])))
    return [name, p99.median.toFixed(2), quartilesOf(p99, 2), String(most(slices)), String(slices.length)]
  }
  const growth = Math.max(0, most(of(true)) - most(of(false)))
  return {
    id: SLOW_READER.id,
    title: SLOW_READER.title,
    budgets: [
      {
        id: 'B10',
        what: "the others' p99",
        unit: '× that of slices in which all read',
        figure: ratio,
        limit: RATIO_MAX,
        decimals: 3,
      },
      {
        id: 'B10',
        what: 'growth of what waits',
        unit: 'bytes',
        figure: exactly(growth),
        limit: QUEUE_BYTES_MAX,
        decimals: 0,
        exact: true,
      },
    ],
    tables: [
      {
        title: `${READERS} readers, ${TRAFFIC.perSecond} messages of ${TRAFFIC.bytes / 1024} KiB a second`,
        rows: [
          ['', 'p99 ms', 'quartiles', 'bytes waiting at most', 'slices'],
          row('all read', of(false)),
          row('one stops', of(true)),
        ],
      },
    ],
    notes: [`${closed} readers that had stopped were closed with 4008 in these slices.`],
    faults: found.flatMap(({ slice }) => (slice.fault === null ? [] : [`slow-reader: ${slice.fault}`])),
    skipped: [],
  }
}
