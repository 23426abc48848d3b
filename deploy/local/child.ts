// One supervised process: started, watched, started again when it dies, stopped when told to. Owns the operating system's
// process and its two output streams; knows nothing of the other processes.
import { type ChildProcess, spawn } from 'node:child_process'
import { LineSplitter } from './output.ts'

/** What a child runs. */
export interface ChildSpec {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/** How a process ended: as a phrase for people, and its exit code if it had one. */
export interface Death {
  readonly phrase: string
  readonly code: number | null
}

/** Who is told, and the waiting times. */
export interface ChildHooks {
  readonly onLine: (name: string, line: string) => void
  readonly onStart: (name: string, pid: number) => void
  readonly onEnd: (name: string, pid: number) => void
  /** It died without being told to. */
  readonly onDeath: (name: string, death: Death) => void
  /** Pause before it is started again. */
  readonly restartMs: number
}

/** Output that is still in the pipe when a process has died is waited for this long, so its last words come before its obituary. */
const LAST_WORDS_MS = 200

type Phase =
  | { readonly name: 'idle' }
  | { readonly name: 'running'; readonly process: ChildProcess }
  | { readonly name: 'waiting'; readonly timer: NodeJS.Timeout }
  | { readonly name: 'stopping'; readonly process: ChildProcess }
  | { readonly name: 'stopped' }

/** See the head of the file. */
export class Child {
  readonly #spec: ChildSpec
  readonly #hooks: ChildHooks
  #phase: Phase = { name: 'idle' }
  #ended = Promise.resolve()

  constructor(spec: ChildSpec, hooks: ChildHooks) {
    this.#spec = spec
    this.#hooks = hooks
  }

  /** Starts the process; does nothing once {@link Child.stop} or {@link Child.kill} was called. */
  start(): void {
    if (this.#phase.name !== 'idle' && this.#phase.name !== 'waiting') return
    const { name, command, args, env } = this.#spec
    // Its own process group: Ctrl-C in the terminal must reach the runner alone, which stops all in order.
    const child = spawn(command, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#phase = { name: 'running', process: child }
    this.#ended = this.#watch(child)
    for (const stream of [child.stdout, child.stderr]) {
      const splitter = new LineSplitter((line) => this.#hooks.onLine(name, line))
      stream.setEncoding('utf8')
      stream.on('data', (piece: string) => splitter.push(piece))
      stream.on('end', () => splitter.end())
    }
  }

  /**
   * Tells the process to stop and waits until it is gone; it is not started again. After `graceMs` it is killed.
   *
   * @returns whether it went in time
   */
  async stop(graceMs: number): Promise<boolean> {
    const child = this.#leave()
    if (child === null) return true
    signalGroup(child, 'SIGTERM')
    let inTime = true
    const timer = setTimeout(() => {
      inTime = false
      signalGroup(child, 'SIGKILL')
    }, graceMs)
    await this.#ended
    clearTimeout(timer)
    this.#phase = { name: 'stopped' }
    return inTime
  }

  /** Kills the process at once, also while it is being stopped. */
  kill(): void {
    const child = this.#leave()
    if (child !== null) signalGroup(child, 'SIGKILL')
  }

  /** Goes into a phase from which nothing is started again; returns the process if there is one. */
  #leave(): ChildProcess | null {
    const phase = this.#phase
    if (phase.name === 'waiting') clearTimeout(phase.timer)
    if (phase.name === 'running' || phase.name === 'stopping') {
      this.#phase = { name: 'stopping', process: phase.process }
      return phase.process
    }
    this.#phase = { name: 'stopped' }
    return null
  }

  /** Resolves when the process is gone and its last words are read. */
  async #watch(child: ChildProcess): Promise<void> {
    const { name } = this.#spec
    const { pid } = child
    if (pid !== undefined) this.#hooks.onStart(name, pid)
    const death = await deathOf(child)
    if (pid !== undefined) this.#hooks.onEnd(name, pid)
    if (this.#phase.name !== 'running') return
    const timer = setTimeout(() => this.start(), this.#hooks.restartMs)
    this.#phase = { name: 'waiting', timer }
    this.#hooks.onDeath(name, death)
  }
}

function deathOf(child: ChildProcess): Promise<Death> {
  const { promise, resolve } = Promise.withResolvers<Death>()
  child.on('error', (error) => {
    // With a pid the error is about a signal, and `exit` tells the rest.
    if (child.pid === undefined) resolve({ phrase: `could not be started (${error.message})`, code: null })
  })
  child.once('exit', (code, signal) => {
    const death = { phrase: signal === null ? `ended with code ${code}` : `was ended by ${signal}`, code }
    child.once('close', () => resolve(death))
    setTimeout(() => resolve(death), LAST_WORDS_MS).unref()
  })
  return promise
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // The group is gone already; `exit` has been or will be told.
  }
}
