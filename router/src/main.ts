// Where the process begins, and nothing else. Its signals and exit codes are service/src/process.ts's; what runs in it is in
// router.ts.
import { systemClock } from '@sluice/service/clock'
import { runProcess } from '@sluice/service/process'
import { routerConfig } from './config/router-config.ts'
import { createCounters } from './metrics/counters.ts'
import { startRouter } from './router.ts'

/** Beside the drain itself: NATS and timers. */
const MARGIN_MS = 10_000

const counters = createCounters()

await runProcess({
  definition: routerConfig,
  log: ({ log, router }) => ({ ...log, name: router.name }),
  drainMs: ({ router: { drainMs } }) => ({ drainMs, marginMs: MARGIN_MS }),
  counters,
  start: (options) => startRouter({ ...options, clock: systemClock, counters }),
})
