// A process that a test has started: its output, its end, its signals, by its own pid. What is left when the test process ends
// is killed, so that a crash of a test leaves nothing running.
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { until, within } from './until.ts'

/** How a process ended: one of the two is set. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A started process. */
export interface Child {
  readonly pid: number
  /** What it said on both outputs, by line, oldest first. */
  readonly lines: readonly string[]
  /** The end, once it has come. */
  readonly exit: Exit | null
  /** Resolves with the end, when its output has been read whole. */
  readonly exited: Promise<Exit>
  /** Sends a signal; SIGSTOP returns when the process stands still. */
  signal(signal: NodeJS.Signals): void
  /** The first line that fits, said already or within the time. Fails at once when the process ends without it. */
  line(fits: (line: string) => boolean, what: string, timeoutMs?: number): Promise<string>
  /** SIGTERM, unless the test has sent it; then SIGKILL if that takes longer. */
  stop(timeoutMs?: number): Promise<Exit>
  /** SIGKILL, also to a process that is stopped. */
  kill(): Promise<Exit>
}

/** What is started. */
export interface ChildOptions {
  readonly command: string
  readonly args: readonly string[]
  /** The whole environment: nothing of ours leaks into it. */
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Makes it the leader of a process group, so that a Ctrl-C of a terminal can be played. */
  readonly group?: boolean
}

const living = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

const LINES_MAX = 20_000

/** Starts a process; its arguments must hold no secrets, as everyone can read them. */
export function startChild({ command, args, env = {}, cwd, group = false }: ChildOptions): Child {
  const child = spawn(command, args, { env, cwd, detached: group, stdio: ['ignore', 'pipe', 'pipe'] })
  living.add(child)
  const lines: string[] = []
  for (const output of [child.stdout, child.stderr]) collect(output, lines)
  let exit: Exit | null = null
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      living.delete(child)
      exit = { code, signal }
      resolve(exit)
    })
  })
  exited.catch(() => living.delete(child))

  let terminated = false
  const signal = (name: NodeJS.Signals): void => {
    if (exit !== null || child.pid === undefined) return
    if (name === 'SIGTERM') terminated = true
    if (group) process.kill(-child.pid, name)
    else child.kill(name)
    if (name === 'SIGSTOP') awaitStop(child.pid)
  }
  const kill = (): Promise<Exit> => {
    if (exit === null) child.kill('SIGKILL')
    return within(10_000, `the end of ${command}`, exited)
  }
  return {
    get pid() {
      return child.pid ?? 0
    },
    lines,
    get exit() {
      return exit
    },
    exited,
    signal,
    kill,
    async line(fits, what, timeoutMs = 15_000) {
      const found = until(() => lines.find(fits) ?? (exit === null ? null : ''), { timeoutMs, what, everyMs: 5 })
      const line = await found.catch((error: Error) => {
        throw new Error(`${error.message}; ${command} said:\n${lines.join('\n')}`)
      })
      if (line === '') throw new Error(`${command} ended before ${what}; it said:\n${lines.join('\n')}`)
      return line
    },
    async stop(timeoutMs = 10_000) {
      // A second one would mean: at once.
      if (!terminated) signal('SIGTERM')
      try {
        return await within(timeoutMs, `the end of ${command} after SIGTERM`, exited)
      } catch (error) {
        await kill()
        throw error
      }
    },
  }
}

function collect(output: Readable, lines: string[]): void {
  createInterface({ input: output }).on('line', (line) => {
    if (lines.length < LINES_MAX) lines.push(line)
  })
}

/** A stop comes to each thread by itself, and on a busy machine some run on for a while. Known where there is /proc alone. */
function awaitStop(pid: number): void {
  const endsAt = performance.now() + 5000
  while (performance.now() < endsAt && !hasStopped(pid)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
}

function hasStopped(pid: number): boolean {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    return threads.every((id) => /^\d+ \(.*\) [TtZX]/s.test(readFileSync(`/proc/${pid}/task/${id}/stat`, 'utf8')))
  } catch {
    return true
  }
}
