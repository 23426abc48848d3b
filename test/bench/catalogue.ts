// Every part of the benchmark, in the order in which a whole run takes them.
import { DELIVERY_PARTS } from './parts/delivery.ts'
import { GROWTH } from './parts/growth.ts'
import { HANDSHAKE } from './parts/handshake.ts'
import { IDLE_CROWD } from './parts/idle-crowd.ts'
import { INBOUND } from './parts/inbound.ts'
import { LATENCY } from './parts/latency.ts'
import { MEMORY, MEMORY_PARTS } from './parts/memory.ts'
import type { Part } from './parts/part.ts'
import { RECOVERY } from './parts/recovery.ts'
import { SLOW_READER } from './parts/slow-reader.ts'
import { TRAFFIC } from './parts/traffic.ts'

/** All parts. */
export const CATALOGUE: readonly Part[] = [
  ...DELIVERY_PARTS,
  MEMORY,
  HANDSHAKE,
  RECOVERY,
  GROWTH,
  LATENCY,
  TRAFFIC,
  SLOW_READER,
  INBOUND,
  MEMORY_PARTS,
  IDLE_CROWD,
]
