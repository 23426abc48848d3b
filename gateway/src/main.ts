// The process: its configuration, its signals and its exit code, nothing else. What runs in it is in gateway.ts.
import { systemClock } from '@sluice/service/clock'
import { configPathOfProcess, loadFromProcess } from '@sluice/service/config/environment'
import { startReload } from '@sluice/service/config/reload'
import { createLogger } from '@sluice/service/log'
import { NatsRefused } from '@sluice/service/nats/first-connect'
import { gatewayConfig } from './config/gateway-config.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { createCounters } from './metrics/counters.ts'

/** 0 clean, 1 a fault, 2 what an operator must mend: configuration or credentials. */
const EXIT = { clean: 0, fault: 1, refused: 2 } as const

const loaded = loadFromProcess(gatewayConfig)
if (!loaded.ok) {
  process.stderr.write(
    `The configuration has mistakes:\n${loaded.mistakes.map((mistake) => `  - ${mistake}\n`).join('')}`,
  )
  process.exit(EXIT.refused)
}
const { config } = loaded
const log = createLogger({ ...config.log, name: config.name })
const counters = createCounters()
const starting = new AbortController()
let gateway: Gateway | null = null
let stopping = false
let exitCode: number = EXIT.clean

/** Ends the process, gracefully and once. */
async function stop(code: number): Promise<void> {
  if (stopping) return
  stopping = true
  exitCode = code
  starting.abort()
  const { windowMs, marginMs } = config.drain
  setTimeout(() => {
    log.fatal({ windowMs, marginMs }, 'the drain did not end in time')
    process.exit(EXIT.fault)
  }, windowMs + marginMs).unref()
  // Without a gateway the start is under way: it looks for this when it is done.
  if (gateway === null) return
  await gateway.drain()
  process.exit(code)
}

/** A second signal means at once. */
function onSignal(): void {
  if (stopping) process.exit(EXIT.fault)
  void stop(EXIT.clean)
}

/**
 * Nobody knows what state an exception has left behind that nobody caught, and one gateway of many is cheap to replace: the
 * clients move while it can still tell them to.
 */
function onFault(err: unknown): void {
  counters.uncaughtExceptions++
  log.fatal({ err }, 'uncaught exception; ending')
  void stop(EXIT.fault)
}

process.on('uncaughtException', onFault)
process.on('unhandledRejection', onFault)
process.on('SIGTERM', onSignal)
process.on('SIGINT', onSignal)

try {
  gateway = await startGateway({
    config,
    clock: systemClock,
    log,
    counters,
    signal: starting.signal,
    onGone: () => void stop(EXIT.fault),
  })
  if (stopping) {
    await gateway?.drain()
    process.exit(exitCode)
  }
} catch (error) {
  const refused = error instanceof NatsRefused
  log.fatal(
    { reason: error instanceof Error ? error.message : String(error) },
    refused ? 'refused' : 'the start failed',
  )
  process.exit(refused ? EXIT.refused : EXIT.fault)
}

const running = gateway
const reload = startReload({
  fields: gatewayConfig.fields,
  path: configPathOfProcess(),
  config,
  load: () => loadFromProcess(gatewayConfig),
  onChange: (changed, fields) => {
    counters.configReloads.add('applied')
    log.info({ fields }, 'the configuration has changed')
    running?.apply(changed)
  },
  onRefused: (mistakes) => {
    counters.configReloads.add('refused')
    log.error({ mistakes }, 'the changed configuration was refused')
  },
})
process.on('SIGHUP', reload.check)
