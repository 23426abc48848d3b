// The composition root of `npm start`: checks, starts, announces, and stops a local run, in that order. Signals are main.ts's
// business.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { formatAnnouncement } from './announcement.ts'
import type { Death } from './child.ts'
import { findNatsServer, NATS_CACHE_DIR } from './nats-server.ts'
import type { Options } from './options.ts'
import { createPrinter, type Printer } from './output.ts'
import { bundleClient } from './page-bundle.ts'
import { portConflicts, takenPorts } from './port-check.ts'
import { authenticatesByEnvironment, LOCAL_HOST, type ProcessSpec, planProcesses } from './processes.ts'
import { untilReady } from './readiness.ts'
import { signToken } from './sign-token.ts'
import { createSupervisor, type Supervisor } from './supervisor.ts'

/** The exit code of a fault: a taken port, no nats-server. */
export const EXIT_FAULT = 1

/** The exit code of a mistake in options or configuration. Gateways use the same. */
export const EXIT_MISTAKE = 2

const RESTART_MS = 1_000
const TOKEN_SECONDS = 86_400

/** What a run depends on. */
export interface LocalRunContext {
  readonly env: NodeJS.ProcessEnv
  readonly write: (text: string) => void
  readonly colors: boolean
}

/** A local run under way. */
export interface LocalRun {
  /** Resolves with the exit code when nothing is left running. */
  readonly ended: Promise<number>
  /** Stops everything in order. */
  stop(): void
  /** Stops everything at once. */
  kill(): void
}

/** A fault that ends the run, with the sentences to print. */
class RunFault extends Error {
  override readonly name = 'RunFault'
  readonly exitCode: number

  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Starts a local run. */
export function startLocalRun(options: Options, context: LocalRunContext): LocalRun {
  const run = new Run(options, context)
  return { ended: run.run(), stop: () => run.stop(), kill: () => run.kill() }
}

class Run {
  readonly #options: Options
  readonly #context: LocalRunContext
  readonly #stopping = new AbortController()
  readonly #ready = new Set<string>()
  #printer: Printer
  #supervisor: Supervisor | null = null
  #exitCode = 0

  constructor(options: Options, context: LocalRunContext) {
    this.#options = options
    this.#context = context
    this.#printer = this.#printerFor([])
  }

  async run(): Promise<number> {
    const { signal } = this.#stopping
    try {
      await this.#start()
      if (!signal.aborted) await once(signal, 'abort')
    } catch (error) {
      // Whatever was under way when we were told to stop fails with that, and that is no fault.
      if (!signal.aborted) this.#fail(error)
    }
    if (this.#supervisor !== null) {
      this.#printer.say('stopping')
      await this.#supervisor.stop()
      this.#printer.say('stopped, nothing is left running')
    }
    return this.#exitCode
  }

  stop(): void {
    this.#stopping.abort(new Error('stopped'))
  }

  kill(): void {
    this.stop()
    this.#supervisor?.kill()
  }

  async #start(): Promise<void> {
    const start = performance.now()
    const { env } = this.#context
    const { signal } = this.#stopping
    const ownAuthentication = authenticatesByEnvironment(env) || (await authenticatesByFile(this.#options.config))
    const plan = planProcesses(this.#options, { env, ownAuthentication, findNatsServer: () => this.#findNatsServer() })
    this.#printer = this.#printerFor(plan.map(({ name }) => name))
    await checkPorts(plan)
    await bundleClient()
    const specs = await Promise.all(plan.map(async (spec) => ({ ...spec, command: await commandOf(spec) })))
    signal.throwIfAborted()

    const supervisor = createSupervisor({
      onLine: (name, line) => this.#printer.line(name, line),
      onDeath: (name, death) => this.#onDeath(specs, name, death),
      onKill: (name) => this.#printer.say(`${name} did not stop in time and was killed`),
      restartMs: RESTART_MS,
    })
    this.#supervisor = supervisor
    this.#printer.say(`starting ${specs.map(({ name }) => name).join(', ')}; Ctrl-C stops them`)
    for (const tier of ['broker', 'service'] as const) {
      const ofTier = specs.filter((spec) => spec.tier === tier)
      for (const spec of ofTier) supervisor.start(spec)
      await Promise.all(ofTier.map((spec) => this.#untilReady(spec)))
    }
    this.#printer.block(
      await this.#announcement(specs, { seconds: (performance.now() - start) / 1000, ownAuthentication }),
    )
  }

  async #untilReady({ name, readyUrl }: ProcessSpec): Promise<void> {
    const onWait = (reason: string): void => this.#printer.say(`still waiting for ${name}: ${readyUrl} says: ${reason}`)
    await untilReady({ url: readyUrl, onWait, signal: this.#stopping.signal })
    this.#ready.add(name)
  }

  #onDeath(specs: readonly ProcessSpec[], name: string, death: Death): void {
    const wasReady = this.#ready.delete(name)
    if (!wasReady && death.code === EXIT_MISTAKE) {
      // Its configuration is refused: starting it again would say the same for ever.
      this.#printer.say(`${name} ${death.phrase}: its configuration is refused, see above`)
      this.#exitCode = EXIT_MISTAKE
      this.stop()
      return
    }
    this.#printer.say(`${name} ${death.phrase}; starting it again in ${RESTART_MS / 1000} s`)
    const spec = specs.find((candidate) => candidate.name === name)
    if (!wasReady || spec === undefined) return
    this.#untilReady(spec).then(
      () => this.#printer.say(`${name} is ready again`),
      () => undefined, // Only stopping ends the wait.
    )
  }

  async #announcement(
    specs: readonly ProcessSpec[],
    { seconds, ownAuthentication }: { seconds: number; ownAuthentication: boolean },
  ): Promise<string> {
    const users = ownAuthentication ? [] : ['alice', 'bob']
    const tokens = await Promise.all(
      users.map(async (user) => ({ user, token: await signToken({ user, ttlSeconds: TOKEN_SECONDS }) })),
    )
    const { port, gateways } = this.#options
    const ports = Array.from({ length: gateways }, (_, index) => port + index).join(',')
    return formatAnnouncement({
      seconds,
      processes: specs,
      socketUrl: `ws://localhost:${port}/ws`,
      // The page itself knows the default ports alone.
      pageUrl: `http://localhost:${port}/${ports === '8080,8081' ? '' : `?gateways=${ports}`}`,
      tokens,
    })
  }

  #findNatsServer(): Promise<string> {
    return findNatsServer({
      cacheDir: NATS_CACHE_DIR,
      say: (sentence) => this.#printer.say(sentence),
      signal: this.#stopping.signal,
      env: this.#context.env,
    })
  }

  #fail(error: unknown): void {
    this.#exitCode = error instanceof RunFault ? error.exitCode : EXIT_FAULT
    this.#printer.say(error instanceof Error ? error.message : String(error))
  }

  #printerFor(names: readonly string[]): Printer {
    const { write, colors } = this.#context
    return createPrinter({ write, names, verbose: this.#options.verbose, colors })
  }
}

async function commandOf({ command }: ProcessSpec): Promise<string> {
  return typeof command === 'string' ? command : await command()
}

async function checkPorts(plan: readonly ProcessSpec[]): Promise<void> {
  const conflicts = portConflicts(plan)
  if (conflicts.length > 0) throw new RunFault(conflicts.join('\n'), EXIT_MISTAKE)
  const taken = await takenPorts(plan, LOCAL_HOST)
  if (taken.length > 0)
    throw new RunFault([...taken, 'Nothing was started. Is Sluice running already?'].join('\n'), EXIT_FAULT)
}

/**
 * Whether the config file says how tokens are checked.
 *
 * @throws RunFault if it can't be read
 */
async function authenticatesByFile(path: string): Promise<boolean> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new RunFault(`--config=${path} can't be read: ${(error as Error).message}`, EXIT_MISTAKE)
  }
  try {
    const auth: Record<string, unknown> | undefined = JSON.parse(text).auth
    return ['secret', 'secretFile', 'jwksUrl'].some((name) => auth?.[name] !== undefined)
  } catch {
    // The gateways check the whole file and say what is wrong with it, without showing any of it.
    return false
  }
}

/** The repository that this file belongs to. */
export const REPOSITORY = resolve(import.meta.dirname, '../..')
