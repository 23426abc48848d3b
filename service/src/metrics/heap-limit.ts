// At how many bytes of objects V8 ends the process, which is less than the limit that it reports.
import { getHeapStatistics } from 'node:v8'

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

/** The same for this process. */
export function heapLimitBytes(): number {
  return oldBytesMax(getHeapStatistics().heap_size_limit)
}
