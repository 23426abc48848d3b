// The processes of a run: started, awaited until they say that they are ready, and gone when the run ends, however it ends.
// Each one is on the local runner's leash. Knows nothing of what they do.
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { LineSplitter } from '../../../deploy/local/output.ts'

const LEASH = fileURLToPath(new URL('../../../deploy/local/leash.ts', import.meta.url))
const READY_MS = 30_000
const STOP_MS = 5000
/** Output that is quoted when a process ends too early. */
const LAST_LINES = 20

/** What to start, and how it tells that it is ready. */
export interface ProcessSpec<ready> {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Whether it is spoken to with messages. */
  readonly ipc?: boolean
  /** Whether it is spoken to with lines on its standard input. */
  readonly input?: boolean
  /** What a line of its output says about its being ready; null for the other lines. */
  readonly ready: (line: string) => ready | null
}

/** A process that is ready. */
export interface Running<ready> {
  readonly name: string
  readonly pid: number
  readonly process: ChildProcess
  readonly ready: ready
}

/** Makes the keeper of a run's processes. */
export class Processes {
  readonly #leash = spawn(process.execPath, [LEASH], { stdio: ['pipe', 'ignore', 'inherit'], detached: true })
  readonly #living: ChildProcess[] = []

  /**
   * Starts a process and waits until it is ready.
   *
   * @throws Error with its last words if it ends before, or says nothing in time
   */
  start<ready>(spec: ProcessSpec<ready>): Promise<Running<ready>> {
    const { name, command, args, env = process.env, ipc = false, input = false } = spec
    const first = input ? ('pipe' as const) : ('ignore' as const)
    const stdio = ipc ? ([first, 'pipe', 'pipe', 'ipc'] as const) : ([first, 'pipe', 'pipe'] as const)
    const child = spawn(command, args, { env, detached: true, stdio: [...stdio] })
    this.#living.push(child)
    if (child.pid !== undefined) this.#leash.stdin?.write(`+${child.pid}\n`)
    child.once('exit', () => this.#leash.stdin?.write(`-${child.pid}\n`))

    const { promise, resolve, reject } = Promise.withResolvers<Running<ready>>()
    const lines: string[] = []
    const fail = (why: string): void => reject(new Error([`${name} ${why}`, ...lines].join('\n')))
    const timer = setTimeout(() => fail('is not ready in time'), READY_MS)
    const splitter = new LineSplitter((line) => {
      if (lines.push(line) > LAST_LINES) lines.shift()
      const ready = spec.ready(line)
      if (ready !== null) resolve({ name, pid: child.pid as number, process: child, ready })
    })
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (piece) => splitter.push(String(piece)))
    child.once('error', (error) => fail(error.message))
    child.once('close', (code, signal) => fail(`has ended (${signal ?? code})`))
    return promise.finally(() => clearTimeout(timer))
  }

  /** Ends all processes and waits until they are gone. */
  async stop(): Promise<void> {
    await Promise.all(this.#living.map(end))
    this.#leash.stdin?.end()
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await gone
  clearTimeout(timer)
}
