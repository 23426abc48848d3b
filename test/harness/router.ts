// A router as a process of its own, as operators start it. Its settings come from variables; its log is kept for the test.
import { resolve } from 'node:path'
import { type Child, startChild } from './child.ts'
import { type Metrics, parseMetrics } from './metrics.ts'
import { until } from './until.ts'

/** A router that a test controls. */
export interface RouterProcess extends AsyncDisposable {
  readonly child: Child
  /** What `/readyz` says. */
  readyz(): Promise<{ readonly status: number; readonly reasons: readonly string[] }>
  metrics(): Promise<Metrics>
  /** Ends it if the test has not; fails for an exit code other than 0. */
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
      SLUICE_ROUTER_ADMIN_HOST: '127.0.0.1',
      SLUICE_ROUTER_ADMIN_PORT: '0',
      SLUICE_ROUTER_DRAIN_MS: '500',
      ...env,
    },
  })
  const admin = async (path: string): Promise<Response> => {
    const line = await child.line((text) => text.includes('"admin port is open"'), 'the admin port')
    const { adminPort } = JSON.parse(line) as { adminPort: number }
    return fetch(`http://127.0.0.1:${adminPort}${path}`, { signal: AbortSignal.timeout(5000) })
  }
  return {
    child,
    async readyz() {
      const response = await admin('/readyz')
      return { status: response.status, reasons: ((await response.json()) as { reasons: string[] }).reasons }
    },
    metrics: async () => parseMetrics(await (await admin('/metrics')).text()),
    async [Symbol.asyncDispose]() {
      child.signal('SIGCONT')
      if (child.exit !== null) return
      const { code } = await child.stop()
      if (code !== 0) throw new Error(`the router ended with ${code}:\n${child.lines.join('\n')}`)
    },
  }
}

/** Starts a router and waits until it is ready. */
export async function startRouter(natsUrl: string, env?: NodeJS.ProcessEnv): Promise<RouterProcess> {
  const router = launchRouter(natsUrl, env)
  try {
    await until(async () => (await router.readyz()).status === 200, { timeoutMs: 15_000, what: 'a ready router' })
    return router
  } catch (error) {
    await router.child.kill()
    throw new Error(`${(error as Error).message}; it said:\n${router.child.lines.join('\n')}`)
  }
}
