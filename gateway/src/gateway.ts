// The composition root: builds the parts in the order in which a message meets them, and takes them down in the reverse order.
// Read this first. It decides nothing itself; each part's own file says what it does.
import { randomBytes } from 'node:crypto'
import { type AdminServer, startAdminServer } from '@sluice/service/admin/admin-server'
import type { Clock } from '@sluice/service/clock'
import type { Logger } from '@sluice/service/log'
import { startLoopMonitor } from '@sluice/service/metrics/event-loop'
import { startMinuteLine } from '@sluice/service/metrics/minute-line'
import { createMetrics } from '@sluice/service/metrics/registry'
import { createThrottle, type Throttle } from '@sluice/service/throttle'
import { createAccept } from './accept/accept.ts'
import { createAuthenticator } from './accept/authenticate/authenticator.ts'
import { signLocalToken } from './accept/authenticate/local-token.ts'
import { createHttpHandler } from './accept/http-handler.ts'
import { listen } from './accept/listen.ts'
import { createLocalSite, LOCAL_PAGE } from './accept/local-site.ts'
import { createSockets } from './accept/sockets.ts'
import { decideReadiness } from './admin/readiness.ts'
import { type Backplane, connectBackplane } from './backplane/backplane.ts'
import { backplaneEvents } from './backplane/backplane-log.ts'
import { createProbe, type Probe } from './backplane/probe.ts'
import type { GatewayConfig } from './config/config-schema.ts'
import { drainConnections } from './drain/drain.ts'
import { BUILD } from './metrics/build.ts'
import type { Counters } from './metrics/counters.ts'
import { type Gauges, metricTable } from './metrics/metric-table.ts'
import { type Core, createCore, TICK_MS } from './session/core.ts'

/** What a gateway is started with. */
export interface GatewayOptions {
  readonly config: GatewayConfig
  readonly clock: Clock
  readonly log: Logger
  readonly counters: Counters
  /** Ends the waiting for NATS. */
  readonly signal: AbortSignal
  /** NATS is gone for good: the process must end. */
  readonly onGone: () => void
}

/** A running gateway. */
export interface Gateway {
  /** Takes over what may change while it runs: namespaces and the log's level. */
  apply(config: GatewayConfig): void
  /** Readiness off, no new sockets, closes spread over the window, queues and NATS flushed. Called once. */
  drain(): Promise<void>
}

/** One line in this time for each kind of bad input. */
const LOG_EVERY_MS = 60_000

/** What the admin port tells, also before there is anything to tell of. */
interface Status {
  config: GatewayConfig
  listening: boolean
  draining: boolean
  unauthorized: boolean
  backplane: Backplane | null
  probe: Probe | null
  core: Core | null
}

/**
 * Starts a gateway: the admin port first, then NATS, then the public port.
 *
 * @returns null if the signal came before NATS did
 * @throws ListenError for a taken port; NatsRefused for what an operator must mend
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway | null> {
  const { config, clock, log, counters } = options
  const throttle = createThrottle(LOG_EVERY_MS, clock.monotonicMs)
  const status: Status = {
    config,
    listening: false,
    draining: false,
    unauthorized: false,
    backplane: null,
    probe: null,
    core: null,
  }
  const admin = await startAdmin(options, status)
  try {
    const backplane = await connect(options, status, throttle)
    if (backplane === null) {
      await admin.close()
      return null
    }
    const core = createCore({
      config: () => status.config,
      backplane,
      authenticator: createAuthenticator(config.auth, {
        clock,
        nameBytesMax: config.limits.nameBytesMax,
        onJwksFetch: (result) => counters.jwksFetches.add(result),
      }),
      clock,
      log,
      counters,
      throttle,
      random: () => randomBytes(9),
      onProbe: (payload) => status.probe?.received(payload),
    })
    status.backplane = backplane
    status.core = core
    return await open(options, status, admin, core, backplane)
  } catch (error) {
    await admin.close()
    throw error
  }
}

async function open(
  options: GatewayOptions,
  status: Status,
  admin: AdminServer,
  core: Core,
  backplane: Backplane,
): Promise<Gateway> {
  const { config, clock, log, counters } = options
  const probe = createProbe({
    backplane,
    subject: core.probeSubject,
    everyMs: config.readiness.probeMs,
    nowMs: clock.monotonicMs,
    onResult: (came) => counters.probes.add(came ? 'ok' : 'failed'),
  })
  status.probe = probe
  const accept = createAccept({
    rules: { ...config.accept, path: config.listen.path, anonymous: config.auth.anonymous, local: config.local },
    trustedProxies: config.accept.trustedProxies,
    rates: config.local ? null : core.rates,
    sockets: createSockets({ session: core.session, frameBytesMax: config.limits.frameBytesMax }),
    session: core.session,
    state: () => ({
      draining: status.draining,
      connections: core.connections.total,
      unauthenticated: core.connections.unauthenticated,
    }),
    connect: core.connect,
    http: publicSite(config, clock),
    nowMs: clock.monotonicMs,
    counters,
  })
  const port = await listen(accept, config.listen)
  status.listening = true
  const ticking = setInterval(core.tick, TICK_MS)
  const minuteLine = startMinuteLine({
    log,
    gauges: () => ({ connections: core.connections.total }),
    counts: () => ({ framesIn: counters.framesIn, deliveries: counters.deliveries }),
  })
  log.info({ gateway: core.gateway, port, adminPort: admin.port, path: config.listen.path, ...BUILD }, 'listening')

  return {
    apply(changed) {
      status.config = changed
      log.level = changed.log.level
    },
    async drain() {
      status.draining = true
      log.info({ connections: core.connections.total, windowMs: config.drain.windowMs }, 'draining')
      await drainConnections({
        connections: core.connections.snapshot(),
        close: core.wire.close,
        windowMs: config.drain.windowMs,
        nowMs: clock.monotonicMs,
        remaining: () => core.connections.total,
      })
      accept.close()
      clearInterval(ticking)
      minuteLine.stop()
      probe.stop()
      await backplane.drain()
      await admin.close()
      log.info({}, 'drained')
    },
  }
}

function connect(
  { config, log, counters, signal, onGone }: GatewayOptions,
  status: Status,
  throttle: Throttle,
): Promise<Backplane | null> {
  return connectBackplane(
    {
      ...config.nats,
      name: `sluice-gateway ${config.name}`,
      payloadBytesMax: config.limits.payloadBytesMax,
      frameBytesMax: config.limits.frameBytesMax,
      random: Math.random,
    },
    backplaneEvents({
      log,
      counters,
      throttle,
      url: config.nats.url,
      setUnauthorized: (unauthorized) => {
        status.unauthorized = unauthorized
      },
      onGone,
      random: Math.random,
    }),
    signal,
  )
}

async function startAdmin({ config, clock, log, counters }: GatewayOptions, status: Status): Promise<AdminServer> {
  const readiness = () =>
    decideReadiness(
      {
        listening: status.listening,
        draining: status.draining,
        natsConnected: status.backplane?.connected ?? false,
        natsUnauthorized: status.unauthorized,
        probeCameBackAt: status.probe?.cameBackAt ?? null,
      },
      clock.monotonicMs(),
      config.readiness.graceMs,
    )
  const gauges: Gauges = {
    connections: () => status.core?.connections.total ?? 0,
    unauthenticated: () => status.core?.connections.unauthenticated ?? 0,
    signedIn: () =>
      status.core === null ? 0 : status.core.connections.total - status.core.connections.unauthenticated,
    rooms: () => status.core?.topics.count('room') ?? 0,
    users: () => status.core?.topics.count('user') ?? 0,
    subscriptions: () => status.backplane?.subscriptions ?? 0,
    queueBytes: () => status.core?.outbox.bytes ?? 0,
    natsConnected: () => status.backplane?.connected ?? false,
    ready: () => readiness().ready,
    draining: () => status.draining,
    drainRemaining: () => (status.draining ? (status.core?.connections.total ?? 0) : 0),
  }
  const metrics = createMetrics({
    table: metricTable,
    own: { counters, gauges },
    build: BUILD,
    loop: startLoopMonitor(),
  })
  const admin = await startAdminServer({
    ...config.admin,
    setting: 'SLUICE_ADMIN_HOST and SLUICE_ADMIN_PORT',
    readiness,
    metrics: metrics.text,
    contentType: metrics.contentType,
    onError: (err) => log.error({ err }, 'fault on the admin port'),
  })
  log.info({ adminPort: admin.port }, 'admin port is open')
  return admin
}

function publicSite(config: GatewayConfig, clock: Clock) {
  const next = createHttpHandler(config.listen.path)
  if (!config.local) return next
  const { secret, userClaim, grantsClaim } = config.auth
  const sign = (user: string): Promise<string> =>
    signLocalToken(secret ?? '', { user, now: clock.now(), ttlSeconds: LOCAL_TOKEN_SECONDS, userClaim, grantsClaim })
  return createLocalSite({ folder: LOCAL_PAGE, sign: secret === undefined ? null : sign, next })
}

/** A tab may stay open for a day. */
const LOCAL_TOKEN_SECONDS = 86_400
