// Where the process begins, and nothing else. Its signals and exit codes are service/src/process.ts's; what runs in it is in
// gateway.ts.
import { systemClock } from '@sluice/service/clock'
import { runProcess } from '@sluice/service/process'
import { gatewayConfig } from './config/gateway-config.ts'
import { startGateway } from './gateway.ts'
import { createCounters } from './metrics/counters.ts'

const counters = createCounters()

await runProcess({
  definition: gatewayConfig,
  log: ({ log, name }) => ({ ...log, name }),
  drainMs: ({ drain: { windowMs, marginMs } }) => ({ windowMs, marginMs }),
  counters,
  start: (options) => startGateway({ ...options, clock: systemClock, counters }),
})
