// Floods from another process, and what the users of a gateway notice of them: latency in quiet and in flooded slices that take turns, so
// that a busy neighbour falls on both, and the heap that is left after each pair.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { AttackName } from './flood-attacks.ts'
import type { GatewayProcess } from './gateway.ts'
import type { Inspector } from './inspector.ts'
import type { SteadyUsers } from './steady-users.ts'
import { within } from './until.ts'
import type { Witness } from './witness.ts'

/** What a flooder is told. */
export interface FloodOrder {
  readonly attack: AttackName
  readonly port: number
  /** Valid tokens of the attackers. */
  readonly tokens: readonly string[]
  readonly ms: number
  /** Attempts that begin in a second, evenly spread. */
  readonly perSecond: number
  /** Attempts at a time, at most. */
  readonly hands: number
}

/** How often each outcome came: HTTP status, close code, `cut`, `end`, `silence`. */
export interface FloodReport {
  readonly outcomes: Readonly<Record<string, number>>
}

/** A process that floods when it is told to. */
export class Flooder implements AsyncDisposable {
  readonly #child: ChildProcess = fork(resolve(import.meta.dirname, 'flooder.ts'), { execArgv: [] })

  /** Floods for this long. */
  async flood(order: FloodOrder): Promise<FloodReport> {
    const report = once(this.#child, 'message')
    this.#child.send(order)
    const [told] = await within(order.ms + 30_000, 'the end of the flood', report)
    return told as FloodReport
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }
}

/** See {@link measureFlood}. */
export interface FloodOptions {
  readonly flooder: Flooder
  readonly gateway: GatewayProcess
  readonly inspector: Inspector
  readonly users: SteadyUsers
  readonly witness: Witness
  readonly order: Omit<FloodOrder, 'port' | 'ms' | 'tokens'>
  /** Tokens of the attackers of each flood: new ones, as those before may still have to wait for what they did. */
  readonly attackers: readonly (readonly string[])[]
  /** Pairs of a quiet and a flooded slice. */
  readonly pairs: number
  /** Length of each slice, quiet and flooded. */
  readonly sliceMs: number
  /** Waits until what the flood has left is gone, as far as it has to be. */
  readonly settled: () => Promise<unknown>
}

/** A quiet slice and the flooded one after it: 99 of 100 round trips took at most this, in milliseconds. */
export interface Pair {
  readonly quietMs: number
  readonly floodMs: number
  /** How many times later round trips to NATS have become, which the flood does not reach: what the machine itself does. */
  readonly slowed: number
}

/** What was seen. */
export interface FloodFigures {
  readonly pairs: readonly Pair[]
  readonly roundTrips: number
  /** Used heap after collection before the first and after each pair, in bytes. */
  readonly heapBytes: readonly number[]
  readonly outcomes: Readonly<Record<string, number>>
}

/** What is taken for the machine's own delay, at most. */
const SLOWED_MAX = 3

/**
 * Whether users are at most twice as late as in quiet in one of the pairs, the machine's own delay taken out: what is wrong with a gateway
 * is wrong in all of them, a busy neighbour is not.
 *
 * @param floorMs - below this all is well
 */
export function inTime(pairs: readonly Pair[], floorMs: number): boolean {
  return pairs.some(({ quietMs, floodMs, slowed }) => {
    const machine = Math.min(SLOWED_MAX, Math.max(1, slowed))
    return floodMs <= Math.max(2 * machine * quietMs, floorMs)
  })
}

/** Floods in pairs: a quiet slice, a flooded one, a collection. */
export async function measureFlood(options: FloodOptions): Promise<FloodFigures> {
  const { flooder, gateway, inspector, users, witness, order, attackers, sliceMs, settled } = options
  const outcomes: Record<string, number> = {}
  const pairs: Pair[] = []
  let floods = 0
  const flood = async (): Promise<void> => {
    const tokens = attackers[floods] ?? []
    floods++
    const report = await flooder.flood({ ...order, tokens, port: gateway.port, ms: sliceMs })
    for (const [name, count] of Object.entries(report.outcomes)) outcomes[name] = (outcomes[name] ?? 0) + count
  }
  // Code is compiled, and bounded tables fill: that is no leak.
  await flood()
  await settled()
  const heapBytes = [await inspector.heapBytes()]
  let roundTrips = 0
  while (pairs.length < options.pairs) {
    const quiet = await Promise.all([users.slice(sliceMs), witness.slice(sliceMs)])
    const flooded = await Promise.all([users.slice(sliceMs), witness.slice(sliceMs), flood()])
    pairs.push({
      quietMs: percentile(quiet[0], 0.99),
      floodMs: percentile(flooded[0], 0.99),
      slowed: percentile(flooded[1], 0.99) / percentile(quiet[1], 0.99),
    })
    roundTrips += quiet[0].length + flooded[0].length
    await settled()
    heapBytes.push(await inspector.heapBytes())
  }
  return { pairs, roundTrips, heapBytes, outcomes }
}

/** The value that this share of all is at most. */
function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}
