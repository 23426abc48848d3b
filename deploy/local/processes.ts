// Which processes a local run consists of: commands, environments, ports. Data only; nothing is started here. A further
// process is one more entry in the list of planProcesses.
import { join, resolve } from 'node:path'
import { LOCAL_SECRET } from '../../gateway/src/config/local-secret.ts'
import type { Options } from './options.ts'

/** The address that everything binds to: a known secret protects nothing, so nothing is reachable from outside. */
export const LOCAL_HOST = '127.0.0.1'

/** A port that a process wants, and the option that changes it. */
export interface PortClaim {
  readonly port: number
  readonly option: string
}

/** One process of a local run. */
export interface ProcessSpec {
  /** Unique; the prefix of its lines. */
  readonly name: string
  /** Brokers start before services and stop after them. */
  readonly tier: 'broker' | 'service'
  /** The program, or how to find it. */
  readonly command: string | (() => Promise<string>)
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly ports: readonly PortClaim[]
  /** How long it may take to stop before it is killed. */
  readonly graceMs: number
  /** Answers 200 when the process is ready for use. */
  readonly readyUrl: string
  /** Where people reach it; shown when all is ready. */
  readonly addresses: readonly string[]
}

/** What the plan depends on beside the options. */
export interface PlanContext {
  /** The environment that the processes inherit. Settings of the gateways that stand in it win over ours. */
  readonly env: NodeJS.ProcessEnv
  /** Finds nats-server; called only if one is to be started. */
  readonly findNatsServer: () => Promise<string>
  /** Whether the config file or the environment says how tokens are checked; if not, the known local secret is used. */
  readonly ownAuthentication: boolean
}

/** Beyond the time in which a process promises to be gone: that promise is its own to keep. */
const PATIENCE_MS = 3_000

/** Short, because nobody waits for a local run to stop; nothing is lost by it, as clients reconnect at once. */
const DRAIN = { SLUICE_DRAIN_WINDOW_MS: '1000', SLUICE_DRAIN_MARGIN_MS: '2000' }

const repository = resolve(import.meta.dirname, '../..')

/** Lists the processes of a local run in the order in which they are started. */
export function planProcesses(options: Options, context: PlanContext): readonly ProcessSpec[] {
  const gateways = Array.from({ length: options.gateways }, (_, index) => gatewayProcess(index, options, context))
  const ownNats = isSet(context.env.SLUICE_NATS_URL)
  return [...(ownNats ? [] : [natsProcess(options, context)]), ...gateways, routerProcess(options, context)]
}

/** Whether the environment says how tokens are checked. */
export function authenticatesByEnvironment(env: NodeJS.ProcessEnv): boolean {
  return ['SLUICE_AUTH_SECRET', 'SLUICE_AUTH_SECRET_FILE', 'SLUICE_AUTH_JWKS_URL'].some((name) => isSet(env[name]))
}

function natsProcess(options: Options, { env, findNatsServer }: PlanContext): ProcessSpec {
  const { natsPort, natsMonitorPort, state } = options
  const store = join(state, 'nats')
  return {
    name: 'nats-server',
    tier: 'broker',
    command: findNatsServer,
    args: ['-a', LOCAL_HOST, '-p', `${natsPort}`, '-m', `${natsMonitorPort}`, '-js', '-sd', store],
    env,
    ports: [
      { port: natsPort, option: '--nats-port' },
      { port: natsMonitorPort, option: '--nats-monitor-port' },
    ],
    graceMs: 2 * PATIENCE_MS,
    readyUrl: `http://${LOCAL_HOST}:${natsMonitorPort}/healthz`,
    addresses: [
      `nats://${LOCAL_HOST}:${natsPort}`,
      `monitoring http://${LOCAL_HOST}:${natsMonitorPort}`,
      `streams in ${store}`,
    ],
  }
}

function gatewayProcess(index: number, options: Options, { env, ownAuthentication }: PlanContext): ProcessSpec {
  const port = options.port + index
  const adminPort = options.adminPort + index
  const name = `gateway-${index + 1}`
  return {
    name,
    tier: 'service',
    command: process.execPath,
    args: [join(repository, 'gateway/src/main.ts')],
    env: {
      ...DRAIN,
      SLUICE_ACCEPT_ORIGINS: '*',
      SLUICE_NATS_URL: `nats://${LOCAL_HOST}:${options.natsPort}`,
      ...(ownAuthentication ? {} : { SLUICE_AUTH_SECRET: LOCAL_SECRET }),
      ...withoutEmpty(env),
      SLUICE_LOCAL: 'true',
      SLUICE_CONFIG: options.config,
      SLUICE_NAME: name,
      SLUICE_LISTEN_HOST: LOCAL_HOST,
      SLUICE_LISTEN_PORT: `${port}`,
      SLUICE_ADMIN_HOST: LOCAL_HOST,
      SLUICE_ADMIN_PORT: `${adminPort}`,
      // Its lines are read here, not by a person.
      SLUICE_LOG_PRETTY: 'false',
    },
    ports: [
      { port, option: '--port' },
      { port: adminPort, option: '--admin-port' },
    ],
    graceMs: drainMs(env) + PATIENCE_MS,
    readyUrl: `http://${LOCAL_HOST}:${adminPort}/readyz`,
    addresses: [`http://localhost:${port}`, `ws://localhost:${port}/ws`, `admin http://${LOCAL_HOST}:${adminPort}`],
  }
}

function routerProcess({ natsPort, routerAdminPort, config }: Options, { env }: PlanContext): ProcessSpec {
  return {
    name: 'router',
    tier: 'service',
    command: process.execPath,
    args: [join(repository, 'router/src/main.ts')],
    env: {
      // Nobody else takes over here.
      SLUICE_ROUTER_DRAIN_MS: '100',
      SLUICE_NATS_URL: `nats://${LOCAL_HOST}:${natsPort}`,
      ...withoutEmpty(env),
      SLUICE_CONFIG: config,
      SLUICE_ROUTER_NAME: 'router',
      SLUICE_ROUTER_ADMIN_HOST: LOCAL_HOST,
      SLUICE_ROUTER_ADMIN_PORT: `${routerAdminPort}`,
      SLUICE_LOG_PRETTY: 'false',
    },
    ports: [{ port: routerAdminPort, option: '--router-admin-port' }],
    graceMs: 2 * PATIENCE_MS,
    readyUrl: `http://${LOCAL_HOST}:${routerAdminPort}/readyz`,
    addresses: [`admin http://${LOCAL_HOST}:${routerAdminPort}`],
  }
}

/** The time after which a draining gateway exits by itself. */
function drainMs(env: NodeJS.ProcessEnv): number {
  const { SLUICE_DRAIN_WINDOW_MS, SLUICE_DRAIN_MARGIN_MS } = { ...DRAIN, ...withoutEmpty(env) }
  const ms = Number(SLUICE_DRAIN_WINDOW_MS) + Number(SLUICE_DRAIN_MARGIN_MS)
  // The gateway refuses what is no number, and then there is nothing to wait for.
  return Number.isFinite(ms) ? ms : 0
}

/** An empty variable means "not set" and must not hide a default of ours. */
function withoutEmpty(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name, value]) => !name.startsWith('SLUICE_') || isSet(value)))
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== ''
}
