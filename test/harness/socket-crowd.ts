// Thousands of readers in a process of their own, so that they take nothing from the test's: what they heard, how late, and what they
// were told that they have missed. Stopped, all of them stop reading at once, as clients on a frozen machine do.
import { fork } from 'node:child_process'
import { resolve } from 'node:path'
import type { Doorway } from './stage.ts'
import { makeToken } from './tokens.ts'
import { until } from './until.ts'

/** What the process is told. */
export type CrowdOrder =
  | {
      readonly kind: 'open'
      readonly port: number
      readonly tokens: readonly string[]
      readonly rooms: readonly string[]
      readonly timedEvery: number
    }
  | { readonly kind: 'count' }

/** What was read so far, by all of them together; latencies are those since the last count. */
export interface CrowdCounts {
  readonly messages: number
  /** Messages that `gap` frames say were missed, and those frames. */
  readonly missed: number
  readonly gaps: number
  /** Sockets that are gone. */
  readonly closed: number
  readonly latenciesMs: readonly number[]
}

/** What the process says. */
export type CrowdReport =
  | { readonly kind: 'opened' }
  | ({ readonly kind: 'counted' } & CrowdCounts)
  | { readonly kind: 'failed'; readonly why: string }

/** See {@link startSocketCrowd}. */
export interface SocketCrowd extends AsyncDisposable {
  /** Asks the process, which must not be stopped. */
  count(): Promise<CrowdCounts>
  /** From here on nobody of it reads, nor answers, until it is disposed of. */
  stop(): void
}

/** See {@link startSocketCrowd}. */
export interface SocketCrowdOptions {
  readonly size: number
  readonly rooms: readonly string[]
  /** Every so many sockets tell how late messages come that say `"at"` in microseconds of {@link nowMicros}. */
  readonly timedEvery: number
}

const PROCESS = resolve(import.meta.dirname, 'socket-crowd-process.ts')
const OPEN_MS = 60_000
const ANSWER_MS = 30_000

/** Starts a crowd; all of it has joined when this resolves. */
export async function startSocketCrowd(gateway: Doorway, options: SocketCrowdOptions): Promise<SocketCrowd> {
  const { size, rooms, timedEvery } = options
  // Few users with many connections each: signing is slower than reading.
  const tokens = await Promise.all(Array.from({ length: 20 }, (_, at) => makeToken(`reader${at}`)))
  const child = fork(PROCESS, { stdio: 'inherit' })
  const reports: CrowdReport[] = []
  child.on('message', (report: CrowdReport) => reports.push(report))
  child.on('exit', () => reports.push({ kind: 'failed', why: 'its process has ended' }))

  function order(next: CrowdOrder): void {
    child.send(next)
  }
  async function answer(timeoutMs: number): Promise<CrowdReport> {
    const report = await until(() => reports.shift(), { timeoutMs, what: 'an answer of the crowd' })
    if (report.kind === 'failed') throw new Error(`the crowd: ${report.why}`)
    return report
  }
  const crowd: SocketCrowd = {
    async count() {
      order({ kind: 'count' })
      const report = await answer(ANSWER_MS)
      if (report.kind !== 'counted') throw new Error('the crowd has not counted')
      return report
    },
    stop: () => void child.kill('SIGSTOP'),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
    },
  }
  const all = Array.from({ length: size }, (_, at) => tokens[at % tokens.length] as string)
  order({ kind: 'open', port: Number(new URL(gateway.url).port), tokens: all, rooms, timedEvery })
  try {
    await answer(OPEN_MS)
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return crowd
}

/** A clock that all processes of a machine share, in whole microseconds. */
export function nowMicros(): number {
  return Number(process.hrtime.bigint() / 1000n)
}
