// The section `overload`: when new sockets are refused as the process has too much to do.
import { field, section } from '@sluice/service/config/fields'
import * as z from 'zod'

const percent = z.int().min(10).max(100)

/** From where on new sockets are refused with 503. Sockets that are open stay, and readiness does not change. */
export const overloadSection = section({
  eventLoopDelayMs: field(z.int().min(20).max(60_000).default(500), {
    description:
      'How late frames may be handled, in two seconds that follow each other, before new sockets are refused with 503.',
    unit: 'ms',
  }),
  heapPercent: field(percent.default(85), {
    description:
      'Used percentage of the heap that V8 may fill (`--max-old-space-size`), above which new sockets are refused with 503; 100 switches it off.',
    unit: '%',
  }),
  memoryPercent: field(percent.default(90), {
    description:
      'Resident percentage of the memory limit of the container, or else of the memory of the machine, above which new sockets are refused with 503; 100 switches it off.',
    unit: '%',
  }),
})
