// What `--quick` runs: one part for each budget that can be told within seconds. B6, B7 and B10 take minutes, and tests hold B6 and B10.
import { DELIVERY_PARTS } from './parts/delivery.ts'
import { HANDSHAKE } from './parts/handshake.ts'
import { INBOUND } from './parts/inbound.ts'
import { LATENCY } from './parts/latency.ts'
import { MEMORY } from './parts/memory.ts'
import type { Part } from './parts/part.ts'
import { TRAFFIC } from './parts/traffic.ts'

/** In this order. */
export const QUICK_PARTS: readonly Part[] = [...DELIVERY_PARTS, MEMORY, HANDSHAKE, LATENCY, TRAFFIC, INBOUND]
