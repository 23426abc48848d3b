// Where the process begins, and nothing else. Its signals and exit codes are service/src/process.ts's; what runs in it is in router.ts.
import { systemClock } from '@sluice/service/clock'
import { runProcess } from '@sluice/service/process'
import { routerConfig } from './config/router-config.ts'
import { createCounters } from './metrics/counters.ts'
import { startRouter } from './router.ts'

const counters = createCounters()

await runProcess({
  definition: routerConfig,
  log: ({ log, router: { name } }) => ({ ...log, name }),
  drainMs: ({ router: { drainMs, drainMarginMs } }) => ({ drainMs, drainMarginMs }),
  counters,
  start: (options) => startRouter({ ...options, clock: systemClock, counters }),
})
