// The CPU time of a process, seen from outside: the server under test is not changed for the benchmark. Linux only.
import { readdirSync, readFileSync } from 'node:fs'

const NANOS_PER_MILLI = 1e6

/** The first field of `schedstat` is the time on a CPU in nanoseconds (Documentation/scheduler/sched-stats.rst). */
export function parseSchedstat(text: string): number {
  const nanos = Number(text.split(' ', 1)[0])
  if (text.trim() === '' || !Number.isFinite(nanos)) throw new Error(`no schedstat: ${text}`)
  return nanos
}

/**
 * CPU time that a process has used so far in all its threads, in milliseconds. It is exact for threads that sleep, so it is read
 * when the server has nothing to do. Threads that have ended are forgotten; Node's and its garbage collector's live on.
 *
 * @throws Error where the kernel does not tell it
 */
export function cpuMillisOf(pid: number): number {
  const tasks = `/proc/${pid}/task`
  let nanos = 0
  for (const task of listTasks(tasks)) nanos += parseSchedstat(readFileSync(`${tasks}/${task}/schedstat`, 'utf8'))
  return nanos / NANOS_PER_MILLI
}

function listTasks(path: string): string[] {
  try {
    return readdirSync(path)
  } catch (cause) {
    throw new Error(`the benchmark reads CPU times from ${path}, which Linux alone has`, { cause })
  }
}
