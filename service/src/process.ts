// The life of a process of any tier, and the only place where one ends: its configuration, its signals and its exit code. What runs
// in it is the tier's composition root.

import type { ConfigDefinition } from './config/define-config.ts'
import { configPathOfProcess, loadFromProcess } from './config/environment.ts'
import { startReload } from './config/reload.ts'
import { createLogger, type Logger, type LogOptions } from './log.ts'
import type { Tally } from './metrics/tally.ts'
import { Refused } from './refused.ts'

/** What runs in a process. */
export interface Running<Config> {
  /** Takes over what may change while it runs: the fields that are marked as live. */
  apply(config: Config): void
  /** Ends it gracefully. Called once. */
  drain(): Promise<void>
}

/** What it is started with. */
export interface StartOptions<Config> {
  readonly config: Config
  readonly log: Logger
  /** Ends the waiting for NATS. */
  readonly signal: AbortSignal
  /** What it stands on is gone for good: the process must end. */
  readonly onGone: () => void
}

/** See {@link runProcess}. */
export interface ProcessOptions<Config> {
  readonly definition: ConfigDefinition<Config>
  readonly log: (config: Config) => LogOptions
  /** What a drain may take, in parts as the configuration names them; after all of them the process ends hard. */
  readonly drainMs: (config: Config) => Readonly<Record<string, number>>
  readonly counters: { uncaughtExceptions: number; readonly configReloads: Tally }
  /** Null if the signal came first. */
  readonly start: (options: StartOptions<Config>) => Promise<Running<Config> | null>
}

/** 0 clean, 1 a fault, 2 what an operator must mend: configuration or credentials. */
const EXIT = { clean: 0, fault: 1, refused: 2 } as const

/** Runs a process from its start to its end. Called once, by main.ts. */
export async function runProcess<Config>(options: ProcessOptions<Config>): Promise<void> {
  const loaded = loadFromProcess(options.definition)
  if (!loaded.ok) {
    const mistakes = loaded.mistakes.map((mistake) => `  - ${mistake}\n`).join('')
    process.stderr.write(`The configuration has mistakes:\n${mistakes}`)
    process.exit(EXIT.refused)
  }
  const { config } = loaded
  const log = createLogger(options.log(config))
  const running = await startUnderSignals(options, config, log)
  watchConfig(options, config, log, running)
}

async function startUnderSignals<Config>(
  { counters, drainMs, start }: ProcessOptions<Config>,
  config: Config,
  log: Logger,
): Promise<Running<Config> | null> {
  const starting = new AbortController()
  let running = null as Running<Config> | null
  let exitCode = null as number | null

  /** Ends the process, gracefully and once. */
  async function stop(code: number): Promise<void> {
    if (exitCode !== null) return
    exitCode = code
    starting.abort()
    const parts = drainMs(config)
    const wholeMs = Object.values(parts).reduce((sum, ms) => sum + ms, 0)
    setTimeout(() => {
      log.fatal(parts, 'the drain did not end in time')
      process.exit(EXIT.fault)
    }, wholeMs).unref()
    // While the start is under way there is nothing to drain: it looks for this when it is done.
    if (running === null) return
    await running.drain()
    process.exit(code)
  }

  /** A second signal means at once. */
  function onSignal(): void {
    if (exitCode !== null) process.exit(EXIT.fault)
    void stop(EXIT.clean)
  }

  /** Nobody knows what state an exception has left behind that nobody caught, and one process of many is cheap to replace. */
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
    running = await start({ config, log, signal: starting.signal, onGone: () => void stop(EXIT.fault) })
    if (exitCode !== null) {
      await running?.drain()
      process.exit(exitCode)
    }
  } catch (error) {
    const refused = error instanceof Refused
    const reason = error instanceof Error ? error.message : String(error)
    log.fatal({ reason }, refused ? 'refused' : 'the start failed')
    process.exit(refused ? EXIT.refused : EXIT.fault)
  }
  return running
}

function watchConfig<Config>(
  { definition, counters }: ProcessOptions<Config>,
  config: Config,
  log: Logger,
  running: Running<Config> | null,
): void {
  const reload = startReload({
    fields: definition.fields,
    path: configPathOfProcess(),
    config,
    load: () => loadFromProcess(definition),
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
}
