// A router as a process of its own, as operators start it. Its settings come from variables; when it is stopped, its log is searched
// for secrets and for faults of its own.
import { resolve } from 'node:path'
import { type Child, startChild } from './child.ts'
import type { LogLine, Readiness } from './gateway.ts'
import { type Metrics, parseMetrics } from './metrics.ts'
import { leaks } from './secrets.ts'
import { until } from './until.ts'

/** A router that a test controls. */
export interface RouterProcess extends AsyncDisposable {
  readonly child: Child
  readonly log: readonly LogLine[]
  /** The first line with this sentence, logged already or within the time. */
  logged(msg: string, timeoutMs?: number): Promise<LogLine>
  readyz(): Promise<Readiness>
  ready(timeoutMs?: number): Promise<void>
  metrics(): Promise<Metrics>
  /** Ends it if the test has not; fails for faults in its log, or an exit code other than 0. */
  [Symbol.asyncDispose](): Promise<void>
}

const main = resolve(import.meta.dirname, '../../router/src/main.ts')
const COMPILE_CACHE = resolve(import.meta.dirname, '../../.sluice/compile-cache')

/**
 * Starts a router and waits for nothing.
 *
 * @param env - variables beside the address of NATS
 */
export function launchRouter(natsUrl: string, env: NodeJS.ProcessEnv = {}): RouterProcess {
  const child = startChild({
    command: process.execPath,
    args: [main],
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      SLUICE_NATS_URL: natsUrl,
      SLUICE_ROUTER_NAME: 'router',
      SLUICE_ROUTER_ADMIN_HOST: '127.0.0.1',
      SLUICE_ROUTER_ADMIN_PORT: '0',
      SLUICE_ROUTER_EVENTS_BYTES_MAX: '16777216',
      SLUICE_ROUTER_DRAIN_MS: '3000',
      ...env,
    },
  })
  const admin = async (path: string): Promise<Response> => {
    const { adminPort } = await router.logged('admin port is open')
    return fetch(`http://127.0.0.1:${adminPort}${path}`, { signal: AbortSignal.timeout(5000) })
  }
  const router: RouterProcess = {
    child,
    get log() {
      return child.lines.flatMap((line) => parsed(line) ?? [])
    },
    async logged(msg, timeoutMs) {
      const line = await child.line((text) => parsed(text)?.msg === msg, `the log line “${msg}”`, timeoutMs)
      return parsed(line) as LogLine
    },
    async readyz() {
      const response = await admin('/readyz')
      return { status: response.status, reasons: ((await response.json()) as { reasons: string[] }).reasons }
    },
    async ready(timeoutMs = 15_000) {
      await until(async () => (await router.readyz()).status === 200, { timeoutMs, what: 'a ready router' })
    },
    metrics: async () => parseMetrics(await (await admin('/metrics')).text(), 'sluice_router_'),
    async [Symbol.asyncDispose]() {
      child.signal('SIGCONT')
      const unasked = child.exit === null ? await child.stop(20_000) : null
      inspect(child, unasked?.code ?? 0)
    },
  }
  return router
}

/** Starts a router and waits until it is ready. */
export async function startRouter(natsUrl: string, env?: NodeJS.ProcessEnv): Promise<RouterProcess> {
  const router = launchRouter(natsUrl, env)
  try {
    await router.ready()
    return router
  } catch (error) {
    await router.child.kill()
    throw new Error(`${(error as Error).message}; it said:\n${router.child.lines.join('\n')}`)
  }
}

function parsed(line: string): LogLine | null {
  if (!line.startsWith('{')) return null
  try {
    return JSON.parse(line)
  } catch {
    // Node itself may print anything while it dies; the test reads it as text.
    return null
  }
}

/** What must hold of every router that a test has run. NATS may go away, but nothing may be a fault of ours. */
function inspect(child: Child, exitCode: number): void {
  const leaked = leaks(child.lines)
  if (leaked.length > 0) throw new Error(`the router has logged secrets:\n${leaked.join('\n')}`)
  const faults = child.lines.filter((line) => ['error', 'fatal'].includes(parsed(line)?.level ?? ''))
  if (faults.length > 0) throw new Error(`the router has logged faults:\n${faults.join('\n')}`)
  if (exitCode !== 0) throw new Error(`the router ended with ${exitCode}:\n${child.lines.join('\n')}`)
}
