// Looks into a running process over Node's own inspector: collects its garbage, reads its heap, keeps its event loop busy. Nothing of the
// product knows of it; the process is started with INSPECTED.
import { WebSocket } from 'ws'
import type { Child } from './child.ts'
import { within } from './until.ts'

/** What a process is started with; the system chooses the port. */
export const INSPECTED: NodeJS.ProcessEnv = { NODE_OPTIONS: '--inspect=127.0.0.1:0' }

const COMMAND_MS = 60_000

/** A connection to the inspector of a process. It must be ended before the process, which waits for it otherwise. */
export class Inspector implements AsyncDisposable {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (result: unknown) => void>()
  #id = 0

  private constructor(url: string) {
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
    const inspector = new Inspector(line.slice('Debugger listening on '.length))
    await within(
      COMMAND_MS,
      'the inspector',
      new Promise<void>((resolve) => inspector.#socket.once('open', () => resolve())),
    )
    return inspector
  }

  /** The heap that is used after a collection, in bytes. */
  async heapBytes(): Promise<number> {
    // The second collects what finalisers of the first have let go.
    for (let time = 0; time < 2; time++) await this.#command('HeapProfiler.collectGarbage')
    const { usedSize } = (await this.#command('Runtime.getHeapUsage')) as { usedSize: number }
    return usedSize
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
