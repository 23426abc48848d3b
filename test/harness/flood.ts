// Floods from another process, and what the users of a gateway notice of them: latency in quiet and in flooded slices that take turns, so
// that a busy neighbour falls on both, and the heap that is left after each cycle.
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
  /** Connections at a time. */
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
  readonly order: Omit<FloodOrder, 'port' | 'ms'>
  /** At least this many, and more until the latency is as it should be: what is wrong with the gateway is wrong in all of them. */
  readonly cycles: { readonly min: number; readonly max: number }
  /** See {@link inTime}. */
  readonly floorMs: number
  /** Length of each slice, quiet and flooded. */
  readonly sliceMs: number
  /** Waits until what the flood has left is gone, as far as it has to be. */
  readonly settled: () => Promise<unknown>
}

/** 99 of 100 round trips took at most this, in milliseconds, over all slices of a kind. */
export interface Latency {
  readonly quietMs: number
  readonly floodMs: number
}

/** What was seen. */
export interface FloodFigures {
  readonly users: Latency
  /** Of round trips to NATS in the same slices, which the flood does not reach: how much later the machine itself has become. */
  readonly witness: Latency
  readonly roundTrips: number
  readonly cycles: number
  /** Used heap after collection before the first and after each cycle, in bytes. */
  readonly heapBytes: readonly number[]
  readonly outcomes: Readonly<Record<string, number>>
}

/**
 * Whether users are at most twice as late as in quiet, the machine's own delay taken out.
 *
 * @param floorMs - below this all is well
 */
export function inTime({ users, witness }: Pick<FloodFigures, 'users' | 'witness'>, floorMs: number): boolean {
  const slowed = Math.max(1, witness.floodMs / witness.quietMs)
  return users.floodMs <= Math.max(2 * slowed * users.quietMs, floorMs)
}

/** Floods in cycles: a quiet slice, a flooded one, a collection. */
export async function measureFlood(options: FloodOptions): Promise<FloodFigures> {
  const { flooder, gateway, inspector, users, witness, order, cycles, floorMs, sliceMs, settled } = options
  const outcomes: Record<string, number> = {}
  const flood = async (): Promise<void> => {
    const report = await flooder.flood({ ...order, port: gateway.port, ms: sliceMs })
    for (const [name, count] of Object.entries(report.outcomes)) outcomes[name] = (outcomes[name] ?? 0) + count
  }
  const seen = {
    users: { quiet: [] as number[], flood: [] as number[] },
    witness: { quiet: [] as number[], flood: [] as number[] },
  }
  const slice = async (kind: 'quiet' | 'flood'): Promise<void> => {
    const [ours, theirs] = await Promise.all([users.slice(sliceMs), witness.slice(sliceMs)])
    seen.users[kind].push(...ours)
    seen.witness[kind].push(...theirs)
  }
  // Code is compiled, and bounded tables fill: that is no leak.
  await flood()
  await settled()
  const heapBytes = [await inspector.heapBytes()]
  for (let cycle = 1; ; cycle++) {
    await slice('quiet')
    await Promise.all([flood(), slice('flood')])
    await settled()
    heapBytes.push(await inspector.heapBytes())
    const figures = {
      users: latencyOf(seen.users),
      witness: latencyOf(seen.witness),
      roundTrips: seen.users.quiet.length + seen.users.flood.length,
      cycles: cycle,
      heapBytes,
      outcomes,
    }
    if (cycle >= cycles.max || (cycle >= cycles.min && inTime(figures, floorMs))) return figures
  }
}

function latencyOf({ quiet, flood }: Readonly<Record<'quiet' | 'flood', readonly number[]>>): Latency {
  return { quietMs: percentile(quiet, 0.99), floodMs: percentile(flood, 0.99) }
}

/** The value that this share of all is at most. */
function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}
