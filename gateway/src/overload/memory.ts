// How much of its memory the process uses, in percent: of the heap, at whose limit V8 ends the process, and of what the machine or the
// container gives it, where the kernel does. Asks Node and the system; decides nothing.
import { totalmem } from 'node:os'
import { getHeapSpaceStatistics } from 'node:v8'
import { heapLimitBytes } from '@sluice/service/metrics/heap-limit'

/** What is not collected yet counts too, so a look can find more than will stay. */
export function heapPercent(): number {
  let oldBytes = 0
  for (const { space_name, space_used_size } of getHeapSpaceStatistics())
    if (!space_name.startsWith('new_')) oldBytes += space_used_size
  return (100 * oldBytes) / heapLimitBytes()
}

/** Bytes that the process may have: the container's limit, or what the machine has. Node tells 0, or far more than that, where none is set. */
export function memoryBytesMax(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

/** Resident bytes: what the kernel ends a container for, the buffers of its sockets aside. */
export function memoryPercent(bytesMax: number): number {
  return (100 * process.memoryUsage.rss()) / bytesMax
}
