// The benchmark's side of its sink: starts the process and turns its messages into promises. One slice at a time.
import { fileURLToPath } from 'node:url'
import type { Processes } from '../servers/processes.ts'
import type { ClientPlan, Counted, SinkOrder, SinkReport } from '../sink/orders.ts'

const SINK = fileURLToPath(new URL('../sink/sink.ts', import.meta.url))
/** Opening a thousand clients with their joins takes a second or two. */
const ANSWER_MS = 60_000

/** How clients are opened. The sink in Node knows none of these. */
export interface OpenOptions {
  /** Address of the server. Default 127.0.0.1. */
  readonly host?: string
  /** Handshakes under way at once. Default 50. */
  readonly atOnce?: number
  /** The receive buffer of each socket; 0, the default, leaves it to the system. */
  readonly receiveBytes?: number
  /** Whether a frame holds a message in each line. */
  readonly linesAreMessages?: boolean
}

/** The sink of a run. */
export interface Sink {
  /**
   * Opens the clients of a server.
   *
   * @returns the time that it took, in milliseconds
   */
  open(group: string, port: number, clients: readonly ClientPlan[], options?: OpenOptions): Promise<number>
  /** Begins a slice. */
  begin(group: string, messagesOfTurn: number): void
  /**
   * Waits until that many turns of the slice have been received.
   *
   * @returns false if they were not in time
   */
  turns(turns: number, waitMs: number): Promise<boolean>
  /** Ends the slice, telling what each client should have received. */
  end(expected: readonly number[]): Promise<Counted>
}

/** Starts the sink in Node: where no compiler is, or to see what it changes. */
export async function startNodeSink(processes: Processes): Promise<Sink> {
  const { process: child } = await processes.start({
    name: 'sink',
    command: process.execPath,
    args: [SINK],
    ipc: true,
    ready: (line) => (line === 'ready' ? true : null),
  })
  let waiting: { accept: (report: SinkReport) => boolean; resolve: (report: SinkReport | null) => void } | null = null
  let turnsSeen = 0

  child.on('message', (report: SinkReport) => {
    if (report.kind === 'turn') turnsSeen = report.turns
    if (waiting === null || !(report.kind === 'failed' || waiting.accept(report))) return
    waiting.resolve(report)
    waiting = null
  })

  async function report(waitMs: number, accept: (report: SinkReport) => boolean): Promise<SinkReport | null> {
    const { promise, resolve } = Promise.withResolvers<SinkReport | null>()
    waiting = { accept, resolve }
    const timer = setTimeout(() => resolve(null), waitMs)
    const found = await promise
    clearTimeout(timer)
    waiting = null
    if (found?.kind === 'failed') throw new Error(`sink: ${found.why}`)
    return found
  }

  function order(order: SinkOrder): void {
    child.send(order)
  }

  return {
    async open(group, port, clients) {
      const startedAt = performance.now()
      order({ kind: 'open', group, port, clients })
      const opened = await report(ANSWER_MS, ({ kind }) => kind === 'opened')
      if (opened === null) throw new Error(`sink: the clients of ${group} did not open in time`)
      return performance.now() - startedAt
    },
    begin(group, messagesOfTurn) {
      turnsSeen = 0
      order({ kind: 'begin', group, messagesOfTurn })
    },
    async turns(turns, waitMs) {
      if (turnsSeen >= turns) return true
      return (await report(waitMs, (told) => told.kind === 'turn' && told.turns >= turns)) !== null
    },
    async end(expected) {
      order({ kind: 'end', expected })
      const counted = await report(ANSWER_MS, ({ kind }) => kind === 'counted')
      if (counted?.kind !== 'counted') throw new Error('sink: no answer')
      return counted
    },
  }
}
