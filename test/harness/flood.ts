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
  readonly order: Omit<FloodOrder, 'port' | 'ms'>
  readonly cycles: number
  /** Length of each slice, quiet and flooded. */
  readonly sliceMs: number
  /** Waits until what the flood has left is gone, as far as it has to be. */
  readonly settled: () => Promise<unknown>
}

/** What was seen. */
export interface FloodFigures {
  /** 99 of 100 round trips took at most this, in milliseconds, over all quiet and over all flooded slices. */
  readonly quietP99Ms: number
  readonly floodP99Ms: number
  readonly roundTrips: number
  /** Used heap after collection before the first and after each cycle, in bytes. */
  readonly heapBytes: readonly number[]
  readonly outcomes: Readonly<Record<string, number>>
}

/** Floods in cycles: a quiet slice, a flooded one, a collection. */
export async function measureFlood(options: FloodOptions): Promise<FloodFigures> {
  const { flooder, gateway, inspector, users, order, cycles, sliceMs, settled } = options
  const quiet: number[] = []
  const flooded: number[] = []
  const outcomes: Record<string, number> = {}
  const flood = async (ms: number): Promise<void> => {
    const report = await flooder.flood({ ...order, port: gateway.port, ms })
    for (const [name, count] of Object.entries(report.outcomes)) outcomes[name] = (outcomes[name] ?? 0) + count
  }
  // Code is compiled, and bounded tables fill: that is no leak.
  await flood(sliceMs)
  await settled()
  const heapBytes = [await inspector.heapBytes()]
  for (let cycle = 0; cycle < cycles; cycle++) {
    quiet.push(...(await users.slice(sliceMs)))
    const flooding = flood(sliceMs)
    flooded.push(...(await users.slice(sliceMs)))
    await flooding
    await settled()
    heapBytes.push(await inspector.heapBytes())
  }
  return {
    quietP99Ms: percentile(quiet, 0.99),
    floodP99Ms: percentile(flooded, 0.99),
    roundTrips: quiet.length + flooded.length,
    heapBytes,
    outcomes,
  }
}

/** The value that this share of all is at most. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}
