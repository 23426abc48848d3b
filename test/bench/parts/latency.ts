// B8: how late a message is that goes over two gateways, against the round trip to NATS in the same second; alone, and beside a room of
// thousands that gets a message twice a second.
import type { BudgetFigure, PartReport } from '../figures.ts'
import { skippedPart } from '../figures.ts'
import { NoCompiler, type PartOptions, startFloor } from '../floor.ts'
import { quantile, type Summary, summarise } from '../measure/statistics.ts'
import { type BenchGateway, startGateway } from '../servers/gateway.ts'
import type { Crowd } from '../sink/crowd-process.ts'
import { quartilesOf, share } from '../told.ts'
import type { Part } from './part.ts'
import { publishTimed, type TimedSlice } from './timed-publishes.ts'

/** The part. */
export const LATENCY: Part = {
  id: 'latency',
  title: '200 messages a second to 50 members over two gateways',
  usual: true,
  run,
}

const MEMBERS = 50
const BLAST_MEMBERS = 5000
const BLAST_EVERY_MS = 500
const PER_SECOND = 200
const ROOM = 10_000
const BLAST_ROOM = 20_000
const SLICES = 24
const SLICES_QUICK = 6
const SLICE_MS = 1000
/** Where the p99 of a mere ping is so many times its p50, processes wait for a processor, and three wait longer than one. */
const PING_TAIL_MAX = 10
/** A sink of this load is late itself. */
const LOAD_MAX = 0.5

interface Latencies {
  readonly p50: Summary
  readonly p99: Summary
  readonly tripP50: Summary
  readonly tripP99: Summary
  readonly ratioP50: Summary
  readonly ratioP99: Summary
  readonly slices: readonly TimedSlice[]
}

async function run(options: PartOptions): Promise<PartReport> {
  try {
    return await measure(options)
  } catch (error) {
    if (error instanceof NoCompiler) return skippedPart(LATENCY.id, LATENCY.title, error.message)
    throw error
  }
}

async function measure(options: PartOptions): Promise<PartReport> {
  const { quick, say } = options
  await using floor = await startFloor(options)
  const start = (name: string): Promise<BenchGateway> =>
    startGateway(floor.processes, { ...floor, name, prefix: 'bench-latency' })
  const gateways = [await start('gateway one'), await start('gateway two')]
  const crowd = await floor.crowd()
  const blasted = await floor.crowd()
  say(`latency: ${MEMBERS} members, and ${BLAST_MEMBERS} of the room beside`)
  await join(crowd, gateways, { members: MEMBERS, room: ROOM, firstUser: 0 })
  await join(blasted, gateways, { members: BLAST_MEMBERS, room: BLAST_ROOM, firstUser: MEMBERS })
  const slices = quick ? SLICES_QUICK : SLICES
  const publish = { source: floor.source, prefix: 'bench-latency', room: ROOM, perSecond: PER_SECOND, bytes: 120 }

  async function take(blast: boolean): Promise<Latencies> {
    const taken: TimedSlice[] = []
    // The first one runs code that is not compiled yet.
    for (let at = 0; at <= slices; at++) {
      const beside = blast ? floor.source.publisherTo('bench-latency') : null
      const timer = beside === null ? undefined : setInterval(() => beside([BLAST_ROOM]), BLAST_EVERY_MS)
      const slice = await publishTimed(crowd, 'members', { ...publish, forMs: SLICE_MS })
      clearInterval(timer)
      if (at > 0) taken.push(slice)
    }
    return told(taken)
  }
  say('latency: alone')
  const alone = await take(false)
  say('latency: beside the blast')
  const beside = await take(true)
  return reportOf(alone, beside)
}

async function join(
  crowd: Crowd,
  gateways: readonly BenchGateway[],
  { members, room, firstUser }: { readonly members: number; readonly room: number; readonly firstUser: number },
): Promise<void> {
  const each = members / gateways.length
  for (const [at, gateway] of gateways.entries()) {
    const users = Array.from({ length: each }, (_, n) => firstUser + at * each + n)
    const plans = await Promise.all(users.map((user) => gateway.clientOf(user, [room])))
    await crowd.open('members', gateway.port, plans)
  }
}

function told(slices: readonly TimedSlice[]): Latencies {
  const of = (figure: (slice: TimedSlice) => number): Summary => summarise(slices.map(figure))
  const delay = (at: number) => (slice: TimedSlice) => quantile(slice.delaysMs, at)
  const trip = (at: number) => (slice: TimedSlice) => quantile(slice.roundTripsMs, at)
  return {
    slices,
    p50: of(delay(0.5)),
    p99: of(delay(0.99)),
    tripP50: of(trip(0.5)),
    tripP99: of(trip(0.99)),
    ratioP50: of((slice) => delay(0.5)(slice) / trip(0.5)(slice)),
    ratioP99: of((slice) => delay(0.99)(slice) / trip(0.99)(slice)),
  }
}

function reportOf(alone: Latencies, beside: Latencies): PartReport {
  const unit = '× the round trip'
  const disturbed = alone.tripP99.median > PING_TAIL_MAX * alone.tripP50.median
  const budgets: BudgetFigure[] = [
    { id: 'B8', what: 'p50, alone', unit, figure: alone.ratioP50, limit: 3, decimals: 2, disturbed },
    {
      id: 'B8',
      what: `p99, beside a room of ${BLAST_MEMBERS}`,
      unit,
      figure: beside.ratioP99,
      limit: 5,
      decimals: 2,
      disturbed,
    },
  ]
  const row = (name: string, { p50, p99, tripP50, tripP99 }: Latencies): string[] => [
    name,
    ...[p50, p99, tripP50, tripP99].flatMap((one) => [one.median.toFixed(3), quartilesOf(one, 3)]),
  ]
  const all = [...alone.slices, ...beside.slices]
  const heads = ['ms', 'p50', '', 'p99', '', 'round trip p50', '', 'p99', '']
  return {
    id: LATENCY.id,
    title: LATENCY.title,
    budgets,
    tables: [
      {
        title: 'From the publish to the read, and a ping to NATS and back',
        rows: [heads, row('alone', alone), row('beside the blast', beside)],
      },
    ],
    notes: [
      ...(disturbed
        ? [
            'The machine had other work: the p99 of a ping, with no load of ours beside it, is more than ten times its p50.',
          ]
        : []),
      'The time is taken when the source publishes and when the sink has read the whole frame; both are on this machine, and so is NATS.',
      'Each percentile is divided by the same percentile of the round trip that the source saw in the same second.',
      `The blast is one message every ${BLAST_EVERY_MS} ms to ${BLAST_MEMBERS} members, half of them on each gateway. The sink was busy for ${share(Math.max(...all.map(({ load }) => load)))} at most.`,
    ],
    faults: all.flatMap(({ fault, load }) =>
      fault === null
        ? load > LOAD_MAX
          ? ['latency: the sink was too busy to be on time']
          : []
        : [`latency: ${fault}`],
    ),
    skipped: [],
  }
}
