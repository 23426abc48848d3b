// What the process uses, as Prometheus' client libraries tell it everywhere: memory, CPU, file descriptors. Read at scrape only.
import { readdir, readFile } from 'node:fs/promises'
import { heapLimitBytes } from './heap-limit.ts'

/** One look at the process. `null`: the platform does not say. */
export interface ProcessUsage {
  readonly cpuSeconds: number
  readonly residentBytes: number
  readonly heapUsedBytes: number
  readonly heapLimitBytes: number
  readonly externalBytes: number
  readonly startSeconds: number
  readonly openFiles: number | null
  readonly openFilesMax: number | null
}

/** Looks at the process. Sockets are files, so the number of open ones is the first bound that a gateway meets. */
export async function readProcessUsage(): Promise<ProcessUsage> {
  const { user, system } = process.cpuUsage()
  const memory = process.memoryUsage()
  const [openFiles, openFilesMax] = await Promise.all([countOpenFiles(), readOpenFilesMax()])
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: memory.rss,
    heapUsedBytes: memory.heapUsed,
    heapLimitBytes: heapLimitBytes(),
    externalBytes: memory.external,
    startSeconds: performance.timeOrigin / 1000,
    openFiles,
    openFilesMax,
  }
}

async function countOpenFiles(): Promise<number | null> {
  try {
    // The folder itself was open while it was read.
    return (await readdir('/proc/self/fd')).length - 1
  } catch {
    // Only Linux has /proc; elsewhere the metric is absent.
    return null
  }
}

async function readOpenFilesMax(): Promise<number | null> {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(await readFile('/proc/self/limits', 'utf8'))?.[1]
    return soft === undefined ? null : Number(soft)
  } catch {
    // As above.
    return null
  }
}
