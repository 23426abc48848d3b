// A gateway as a process of its own, as operators start it: settings in a file and in variables, signals, exit codes, the admin
// port, and everything it logs. When it is stopped, its log is searched for secrets and for faults of its own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Child, startChild } from './child.ts'
import { type Metrics, parseMetrics } from './metrics.ts'
import { leaks } from './secrets.ts'
import { SECRET } from './tokens.ts'
import { until } from './until.ts'

/** Settings as they stand in a configuration file, by section. */
export type Settings = Readonly<Record<string, unknown>>

/** How a gateway is started. */
export interface GatewayOptions {
  /** Merged over {@link DEFAULT_SETTINGS}, section by section. */
  readonly settings?: Settings
  /** Variables beside the file. */
  readonly env?: NodeJS.ProcessEnv
  /** Leaves {@link DEFAULT_SETTINGS} out, but for the ports. */
  readonly bare?: boolean
  /** Faults that the test provokes: log lines of level error and above are a failure otherwise. */
  readonly expectErrors?: boolean
}

/** A line of its log. */
export interface LogLine {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

/** What `/readyz` says. */
export interface Readiness {
  readonly status: number
  readonly reasons: readonly string[]
}

/** A gateway that a test controls. */
export interface GatewayProcess extends AsyncDisposable {
  readonly child: Child
  /** Where its settings are; a test may rewrite it. */
  readonly configPath: string
  /** The public port, known once it listens. */
  readonly port: number
  readonly adminPort: number
  /** `ws://…/ws` */
  readonly url: string
  readonly log: readonly LogLine[]
  /** The first line with this sentence, logged already or within the time. */
  logged(msg: string, timeoutMs?: number): Promise<LogLine>
  readyz(): Promise<Readiness>
  ready(timeoutMs?: number): Promise<void>
  metrics(): Promise<Metrics>
  /** Ends it if the test has not; fails for secrets or faults in its log, or an exit code other than 0. */
  [Symbol.asyncDispose](): Promise<void>
}

/** What test gateways have in common: quick, talkative, and without the rates and thresholds that a busy test would meet. */
export const DEFAULT_SETTINGS = {
  auth: { secret: SECRET, grants: { send: ['*'] } },
  accept: { addressConnectionsPerSecond: 100_000, addressSignInFailuresPerSecond: 100_000 },
  limits: { publishesPerSecond: 100_000, publishBurst: 200_000, requestsPerSecond: 100_000 },
  // On a busy machine any process is late for seconds.
  overload: { eventLoopDelayMs: 60_000 },
  drain: { windowMs: 0 },
  readiness: { probeMs: 200 },
  log: { level: 'debug' },
  namespaces: {
    default: { join: { who: 'anyone' }, publish: { who: 'anyone' } },
    chat: { join: { who: 'anyone' }, publish: { who: 'anyone' } },
    quiet: { join: { who: 'anyone' }, publish: { who: 'anyone' }, echo: false },
    members: { join: { who: 'anyone' }, publish: { who: 'anyone', joined: true } },
    private: { join: { who: 'granted' }, publish: { who: 'granted' } },
    ask: { join: { who: 'service' }, publish: { who: 'service' } },
  },
} as const satisfies Settings

const main = resolve(import.meta.dirname, '../../gateway/src/main.ts')
/** Halves the time in which Node comes up; a suite starts a hundred gateways. In the repository's ignored folder. */
const COMPILE_CACHE = resolve(import.meta.dirname, '../../.sluice/compile-cache')

/**
 * Starts a process and waits for nothing: for those that will not come up.
 *
 * @param natsUrl - null leaves the setting out
 */
export function launchGateway(natsUrl: string | null, options: GatewayOptions = {}): GatewayProcess {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-gateway-'))
  const configPath = join(folder, 'sluice.json')
  const settings = merged(options.bare === true ? {} : DEFAULT_SETTINGS, options.settings ?? {})
  writeFileSync(configPath, JSON.stringify(merged(PORTS, settings)))
  const child = startChild({
    command: process.execPath,
    args: [main],
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      SLUICE_CONFIG: configPath,
      ...(natsUrl === null ? {} : { SLUICE_NATS_URL: natsUrl }),
      ...options.env,
    },
  })
  const find = (msg: string): LogLine | undefined => parsedLog(child).find((line) => line.msg === msg)
  const admin = async (path: string): Promise<Response> => {
    const port = find('admin port is open')?.adminPort
    return fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(5000) })
  }
  const gateway: GatewayProcess = {
    child,
    configPath,
    get port() {
      return Number(find('listening')?.port)
    },
    get adminPort() {
      return Number(find('admin port is open')?.adminPort)
    },
    get url() {
      return `ws://127.0.0.1:${gateway.port}/ws`
    },
    get log() {
      return parsedLog(child)
    },
    async logged(msg, timeoutMs) {
      await child.line((line) => parsedLine(line)?.msg === msg, `the log line “${msg}”`, timeoutMs)
      return find(msg) as LogLine
    },
    async readyz() {
      const response = await admin('/readyz')
      const { reasons } = (await response.json()) as { reasons: string[] }
      return { status: response.status, reasons }
    },
    async ready(timeoutMs = 10_000) {
      await until(async () => (await gateway.readyz()).status === 200, { timeoutMs, what: 'readiness' })
    },
    metrics: async () => parseMetrics(await (await admin('/metrics')).text()),
    async [Symbol.asyncDispose]() {
      child.signal('SIGCONT')
      const unasked = child.exit === null ? await child.stop() : null
      rmSync(folder, { recursive: true, force: true })
      inspect(child, unasked?.code ?? 0, options.expectErrors ?? false)
    },
  }
  return gateway
}

/** Starts a gateway and waits until its public port is open and it is ready. */
export async function startGateway(natsUrl: string, options: GatewayOptions = {}): Promise<GatewayProcess> {
  const gateway = launchGateway(natsUrl, options)
  try {
    await gateway.logged('listening')
    await gateway.ready()
    return gateway
  } catch (error) {
    await gateway.child.kill()
    // What it logged is in the error already.
    await gateway[Symbol.asyncDispose]().catch(() => undefined)
    throw error
  }
}

const PORTS: Settings = { listen: { host: '127.0.0.1', port: 0 }, admin: { host: '127.0.0.1', port: 0 } }

/** Sections are merged one level deep: a namespace or a list that is given replaces ours. */
function merged(below: Settings, above: Settings): Settings {
  const result: Record<string, unknown> = { ...below }
  for (const [section, value] of Object.entries(above)) {
    const has = result[section]
    result[section] = isSection(has) && isSection(value) ? { ...has, ...value } : value
  }
  return result
}

function isSection(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parsedLog(child: Child): LogLine[] {
  return child.lines.flatMap((line) => parsedLine(line) ?? [])
}

function parsedLine(line: string): LogLine | null {
  if (!line.startsWith('{')) return null
  try {
    return JSON.parse(line)
  } catch {
    // Node itself may print anything while it dies; the test reads it as text.
    return null
  }
}

/** What must hold of every gateway that a test has run. */
function inspect(child: Child, exitCode: number, expectErrors: boolean): void {
  const leaked = leaks(child.lines)
  if (leaked.length > 0) throw new Error(`the gateway has logged secrets:\n${leaked.join('\n')}`)
  const faults = child.lines.filter((line) => ['error', 'fatal'].includes(parsedLine(line)?.level ?? ''))
  if (faults.length > 0 && !expectErrors) throw new Error(`the gateway has logged faults:\n${faults.join('\n')}`)
  if (exitCode !== 0) throw new Error(`the gateway ended with ${exitCode}:\n${child.lines.join('\n')}`)
}
