// The memory of a process as the system and its own heap tell it, after it has collected its garbage. Linux only.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Child } from '../../harness/child.ts'
import type { LogLine } from '../../harness/gateway.ts'
import { until } from '../../harness/until.ts'

/** What a process holds. */
export interface Memory {
  /** JavaScript objects; buffers lie outside of it. */
  readonly heapBytes: number
  /** Pages that no other process shares. */
  readonly privateBytes: number
}

const PROBE = fileURLToPath(new URL('memory-probe.ts', import.meta.url))

/** Variables with which a service can be asked. The small semi-space keeps garbage out of the resident pages. */
export const PROBED: NodeJS.ProcessEnv = {
  NODE_OPTIONS: `--expose-gc --max-semi-space-size=4 --import ${PROBE}`,
}

/** Asks a process that was started with {@link PROBED}. */
export async function memoryOf(service: { readonly child: Child; readonly log: readonly LogLine[] }): Promise<Memory> {
  const told = (): LogLine[] => service.log.filter(({ msg }) => msg === 'memory')
  const before = told().length
  service.child.signal('SIGUSR2')
  const line = await until(() => told()[before], { timeoutMs: 10_000, what: 'an answer of the memory probe' })
  return { heapBytes: Number(line.heapBytes), privateBytes: privateBytesOf(service.child.pid) }
}

/** Pages of a process that no other shares, in bytes. */
export function privateBytesOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const kilobytes = [...text.matchAll(/^Private_\w+: +(\d+) kB$/gm)].map(([, value]) => Number(value))
  return kilobytes.reduce((sum, value) => sum + value, 0) * 1024
}
