// How much of its memory the process uses, in percent: of the heap, at whose limit V8 ends the process, and of what the machine or the
// container gives it, where the kernel does. Asks Node and the system; decides nothing.
import { totalmem } from 'node:os'
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'

const MiB = 1024 * 1024

/**
 * What V8 adds to the limit that it reports for young objects: three spaces of 64 MiB, its default where an address has 64 bits. The process
 * ends when the old ones fill the rest: with `--max-old-space-size=128` V8 reports 320 MiB, and ends at 126.
 */
const YOUNG_BYTES = 192 * MiB
/** Less than this is left only where the young spaces are set to less. */
const OLD_BYTES_MIN = 64 * MiB

/** Bytes of old objects at which the process ends, from what V8 reports; half of that where the young spaces have another size. */
export function oldBytesMax(heapLimitBytes: number): number {
  const rest = heapLimitBytes - YOUNG_BYTES
  return rest >= OLD_BYTES_MIN ? rest : heapLimitBytes / 2
}

/** What is not collected yet counts too, so a look can find more than will stay. */
export function heapPercent(): number {
  let oldBytes = 0
  for (const { space_name, space_used_size } of getHeapSpaceStatistics())
    if (!space_name.startsWith('new_')) oldBytes += space_used_size
  return (100 * oldBytes) / oldBytesMax(getHeapStatistics().heap_size_limit)
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
