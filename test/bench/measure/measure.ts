// Measures one pattern: warms every server up, finds the pace at which it is busy for less than half of the time, then runs
// slices in the order reference, server, reference, next server, and so on. Decides nothing about budgets.
import { deliveriesOfTurn, membership, onceToEach, type Pattern, type Scenario } from '../scenarios.ts'
import type { BenchServer } from '../servers/server.ts'
import { type Bench, type Pace, runSlice, type Slice, type Traffic } from './slice.ts'
import { ratiosToNeighbours, type Summary, summarise } from './statistics.ts'

/** How much is measured. */
export interface Effort {
  /** Slices of each server; the reference has one more than all others together. */
  readonly slices: number
  /** CPU time of a server in one slice, roughly. */
  readonly sliceCpuMs: number
  /** Deliveries of each server before anything counts, so that its code is compiled. */
  readonly warmUpDeliveries: number
}

/** The usual effort: a pattern takes about a minute. */
export const EFFORT_FULL: Effort = { slices: 20, sliceCpuMs: 150, warmUpDeliveries: 250_000 }

/** For a first look. */
export const EFFORT_QUICK: Effort = { slices: 6, sliceCpuMs: 100, warmUpDeliveries: 50_000 }

/** What a server's deliveries cost. */
export interface ServerFigures {
  readonly name: string
  /** Multiples of U. */
  readonly ratio: Summary
  readonly micros: Summary
  /** CPU time for the time that went by. */
  readonly load: number
}

/** What a pattern has shown. */
export interface PatternFigures {
  readonly scenario: Scenario
  readonly pattern: Pattern
  /** Of the reference, in microseconds. */
  readonly unit: Summary
  readonly servers: readonly ServerFigures[]
  /** The busiest slice of the sink: near 1 it is the sink that was measured. */
  readonly sinkLoadMax: number
  /** Slices that don't count, and why. */
  readonly faults: readonly string[]
}

/** Turn by turn, the share of a core that a server is busy at most. */
const LOAD_MAX = 0.4
/** For the first turns, before anything is known. Slower than any server here. */
const MICROS_GUESSED = 10
const TURNS_MIN = 2

/** What is measured: the servers, their clients connected, and the pattern. */
export interface Measured {
  readonly scenario: Scenario
  readonly pattern: Pattern
  /** Its cost is U; it gets one frame for each connection in place of the pattern. */
  readonly reference: BenchServer
  readonly others: readonly BenchServer[]
  /** Of the reference, where it has not as many as the scenario. */
  readonly referenceConnections?: number
  readonly effort: Effort
}

/** A server with what it is given. */
interface Lane {
  readonly server: BenchServer
  readonly traffic: Traffic
  readonly pace: Pace
}

/**
 * Runs a pattern.
 *
 * @throws Error when connections are lost, or when no slice of the reference counts
 */
export async function measurePattern(bench: Bench, measured: Measured): Promise<PatternFigures> {
  const { scenario, pattern, effort } = measured
  const { connections } = scenario
  const once = onceToEach({ ...scenario, connections: measured.referenceConnections ?? connections })
  const reference = await warmUp(bench, measured.reference, once, effort)
  const others: Lane[] = []
  for (const server of measured.others) others.push(await warmUp(bench, server, { scenario, pattern }, effort))

  const slices = [await runSlice(bench, reference)]
  for (let round = 0; round < effort.slices; round++) {
    // Each comes after each of the others in turn: a slice that was busy leaves its mark on the next reference.
    const first = round % others.length
    for (const lane of [...others.slice(first), ...others.slice(0, first)]) {
      slices.push(await runSlice(bench, lane), await runSlice(bench, reference))
    }
  }
  return figures(scenario, pattern, reference.server.name, slices)
}

/** Runs a server until its code is compiled, and finds its pace. */
async function warmUp(
  bench: Bench,
  server: BenchServer,
  { scenario, pattern }: Pick<Traffic, 'scenario' | 'pattern'>,
  { warmUpDeliveries, sliceCpuMs }: Effort,
): Promise<Lane> {
  const traffic: Traffic = { scenario, pattern, membership: membership(scenario) }
  const deliveries = deliveriesOfTurn(scenario, pattern)
  const first = paceFor(MICROS_GUESSED, deliveries, warmUpDeliveries)
  await runSlice(bench, { server, traffic, pace: first })
  const { micros } = await runSlice(bench, { server, traffic, pace: { ...first, turns: Math.ceil(first.turns / 4) } })
  return { server, traffic, pace: paceFor(micros, deliveries, (sliceCpuMs * 1000) / micros) }
}

/** @param total - deliveries of the slice, roughly */
function paceFor(micros: number, deliveriesOfTurn: number, total: number): Pace {
  return {
    turns: Math.max(TURNS_MIN, Math.ceil(total / deliveriesOfTurn)),
    periodMs: (micros * deliveriesOfTurn) / 1000 / LOAD_MAX,
  }
}

function figures(scenario: Scenario, pattern: Pattern, reference: string, slices: readonly Slice[]): PatternFigures {
  const valid = slices.map((slice) => (slice.fault === null ? slice : { ...slice, micros: Number.NaN }))
  const ratios = ratiosToNeighbours(valid, reference)
  const of = (server: string): Slice[] => slices.filter((slice) => slice.server === server && slice.fault === null)
  const microsOf = (server: string): Summary => summarise(of(server).map(({ micros }) => micros))
  const faults = slices.flatMap(({ server, fault }) => (fault === null ? [] : [`${server}: ${fault}`]))
  if (of(reference).length === 0) throw new Error(`no slice of the ${reference} counts: ${faults.join('; ')}`)
  return {
    scenario,
    pattern,
    unit: microsOf(reference),
    servers: [...ratios].map(([name, ratio]) => ({
      name,
      ratio: summarise(ratio),
      micros: microsOf(name),
      load: summarise(of(name).map(({ load }) => load)).median,
    })),
    sinkLoadMax: Math.max(...slices.map(({ sinkLoad }) => sinkLoad)),
    faults,
  }
}
