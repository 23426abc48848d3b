// Looks into a running process over Node's own inspector: collects its garbage, reads its heap and what it has open, keeps its event loop busy. Nothing of the
// product knows of it; the process is started with INSPECTED.
import { readdirSync } from 'node:fs'
import { WebSocket } from 'ws'
import type { Child } from './child.ts'
import { within } from './until.ts'

/** What a process is started with; the system chooses the port. */
export const INSPECTED: NodeJS.ProcessEnv = { NODE_OPTIONS: '--inspect=127.0.0.1:0' }

/** What a process holds. */
export interface Held {
  /** After a collection, in bytes. */
  readonly heapBytes: number
  /** Timers, sockets and what else keeps the event loop, by kind. */
  readonly resources: Readonly<Record<string, number>>
  /** Open files and sockets, the inspector's own among them; 0 where the system does not tell. */
  readonly descriptors: number
}

const COMMAND_MS = 60_000
/** What one collection frees is often held by what the next one frees. */
const COLLECTIONS = 3

/** A connection to the inspector of a process. It must be ended before the process, which waits for it otherwise. */
export class Inspector implements AsyncDisposable {
  readonly #socket: WebSocket
  readonly #pid: number
  readonly #waiting = new Map<number, (result: unknown) => void>()
  #id = 0

  private constructor(url: string, pid: number) {
    this.#pid = pid
    this.#socket = new WebSocket(url, { perMessageDeflate: false })
    this.#socket.on('error', () => undefined)
    this.#socket.on('message', (message: Buffer) => {
      const { id, result } = JSON.parse(message.toString())
      this.#waiting.get(id)?.(result)
      this.#waiting.delete(id)
    })
  }

  /** Connects to a process that was started with {@link INSPECTED}. */
  static async of(child: Child): Promise<Inspector> {
    const line = await child.line((said) => said.startsWith('Debugger listening on '), 'the inspector')
    const inspector = new Inspector(line.slice('Debugger listening on '.length), child.pid)
    await within(
      COMMAND_MS,
      'the inspector',
      new Promise<void>((resolve) => inspector.#socket.once('open', () => resolve())),
    )
    return inspector
  }

  /** The heap that is used after a collection, in bytes. */
  async heapBytes(): Promise<number> {
    for (let time = 0; time < COLLECTIONS; time++) await this.#command('HeapProfiler.collectGarbage')
    const { usedSize } = (await this.#command('Runtime.getHeapUsage')) as { usedSize: number }
    return usedSize
  }

  /** Collects, and counts. */
  async held(): Promise<Held> {
    const heapBytes = await this.heapBytes()
    const { result } = (await this.#command('Runtime.evaluate', {
      expression: 'process.getActiveResourcesInfo()',
      returnByValue: true,
    })) as { result: { value: string[] } }
    return { heapBytes, resources: countOf(result.value), descriptors: descriptorsOf(this.#pid) }
  }

  /** Keeps the event loop busy: each turn takes this long, for so many turns. Resolves when they are over. */
  async busy(turnMs: number, turns: number): Promise<void> {
    await this.#command('Runtime.evaluate', {
      awaitPromise: true,
      expression: `new Promise((resolve) => {
        let left = ${turns}
        const turn = () => {
          const endsAt = performance.now() + ${turnMs}
          while (performance.now() < endsAt);
          left--
          if (left === 0) resolve()
          else setTimeout(turn, 1)
        }
        turn()
      })`,
    })
  }

  /** Holds so much of the heap, and lets go what it held before. */
  async fill(mebibytes: number): Promise<void> {
    // 131,072 numbers that are no small integers: 8 bytes each.
    await this.#command('Runtime.evaluate', {
      expression: `globalThis.held = Array.from({ length: ${mebibytes} }, () => new Array(131072).fill(0.5)); 0`,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate()
  }

  #command(method: string, params: object = {}): Promise<unknown> {
    this.#id++
    const id = this.#id
    const answer = new Promise((resolve) => this.#waiting.set(id, resolve))
    this.#socket.send(JSON.stringify({ id, method, params }))
    return within(COMMAND_MS, `the answer to ${method}`, answer)
  }
}

function countOf(kinds: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const kind of kinds.toSorted()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

function descriptorsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return 0
  }
}
