// The composition root: builds the parts in the order in which a message meets them, and takes them down in the reverse order.
// Read this first. It decides nothing itself; each part's own file says what it does.
import { randomBytes } from 'node:crypto'
import type { AdminServer } from '@sluice/service/admin/admin-server'
import type { Clock } from '@sluice/service/clock'
import type { Logger } from '@sluice/service/log'
import { startMinuteLine } from '@sluice/service/metrics/minute-line'
import { createThrottle, type Throttle } from '@sluice/service/throttle'
import { createAccept } from './accept/accept.ts'
import { createAuthenticator } from './accept/authenticate/authenticator.ts'
import { signLocalToken } from './accept/authenticate/local-token.ts'
import { createHttpHandler } from './accept/http-handler.ts'
import { listen } from './accept/listen.ts'
import { createLocalSite, LOCAL_BUNDLE, LOCAL_PAGE } from './accept/local-site.ts'
import { createSockets } from './accept/sockets.ts'
import { type Backplane, connectBackplane } from './backplane/backplane.ts'
import { backplaneEvents } from './backplane/backplane-log.ts'
import { connectPresenceLinks, type LinkName, type PresenceLinks } from './backplane/links.ts'
import { createProbe } from './backplane/probe.ts'
import type { GatewayConfig } from './config/config-schema.ts'
import type { ControlOptions } from './control/control.ts'
import { startControl } from './control/start-control.ts'
import { DRAIN_REST_MS, drainConnections } from './drain/drain.ts'
import { createHistorySwitch } from './history/history-switch.ts'
import { type RunningHistory, startHistory } from './history/start-history.ts'
import { BUILD } from './metrics/build.ts'
import type { Counters } from './metrics/counters.ts'
import { createPresenceSwitch, type PresenceSwitch, wantsPresence } from './presence/presence-switch.ts'
import { type RunningPresence, startPresence } from './presence/start-presence.ts'
import type { Connection } from './session/connection.ts'
import { isLive } from './session/connection-state.ts'
import { type Core, createCore, TICK_MS } from './session/core.ts'
import { newGatewayId } from './session/session.ts'
import { createStatus, type Status, startAdmin } from './status.ts'
import { startTracing } from './trace/start-tracing.ts'

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

/**
 * Starts a gateway: the admin port first, then NATS, then the public port.
 *
 * @returns null if the signal came before NATS did
 * @throws ListenError for a taken port; NatsRefused for what an operator must mend
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway | null> {
  const { config, clock, log, counters } = options
  const throttle = createThrottle(LOG_EVERY_MS, clock.monotonicMs)
  const status = createStatus(config)
  const admin = await startAdmin(options, status)
  try {
    const backplane = await connect(options, status, throttle)
    if (backplane === null) {
      await admin.close()
      return null
    }
    const gateway = newGatewayId(() => randomBytes(9))
    status.tracing = await startTracing({ trace: config.trace, log, counters, gateway, version: BUILD.version })
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
      gateway,
      tracing: status.tracing,
      presence: () => status.presence?.running?.session ?? null,
      history: () => status.history?.running ?? null,
      revocations: () => status.revocations,
      onProbe: (payload) => status.probe?.received(payload),
    })
    status.backplane = backplane
    status.core = core
    const links = once(() => connectMore(options, status, throttle, core))
    const presence = createPresenceSwitch({
      start: async () => beginPresence(options, status, throttle, core, backplane, await links()),
      onChange: ({ session }) => session.sync(core.connections.snapshot()),
    })
    status.presence = presence
    const history = createHistorySwitch(async () =>
      beginHistory(options, status, throttle, core, backplane, await links()),
    )
    status.history = history
    await Promise.all([presence.apply(config.namespaces), history.apply(config)])
    return await open(options, status, admin, core, backplane, presence)
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
  presence: PresenceSwitch,
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
      Promise.all([presence.apply(changed.namespaces), status.history?.apply(changed)]).catch((error: unknown) => {
        log.fatal({ err: error }, 'presence or history could not begin')
        options.onGone()
      })
    },
    async drain() {
      status.draining = true
      log.info({ connections: core.connections.total, windowMs: config.drain.windowMs }, 'draining')
      void presence.running?.drain()
      await drainConnections({
        connections: core.connections.snapshot(),
        ...drainActs(core, 'service restart'),
        windowMs: config.drain.windowMs,
        nowMs: clock.monotonicMs,
        remaining: () => core.connections.total,
      })
      accept.close()
      await presence.running?.leave(Math.max(0, config.drain.marginMs - DRAIN_REST_MS))
      clearInterval(ticking)
      minuteLine.stop()
      probe.stop()
      await backplane.drain()
      await status.tracing?.close()
      await admin.close()
      log.info({}, 'drained')
    },
  }
}

function connect(options: GatewayOptions, status: Status, throttle: Throttle): Promise<Backplane | null> {
  const { config, signal } = options
  return connectBackplane(
    {
      ...config.nats,
      name: `sluice-gateway ${config.name}`,
      payloadBytesMax: config.limits.payloadBytesMax,
      frameBytesMax: config.limits.frameBytesMax,
      presence: wantsPresence(config.namespaces),
      random: Math.random,
      nowMs: options.clock.monotonicMs,
    },
    linkEvents('data', options, status, throttle),
    signal,
  )
}

function linkEvents(link: LinkName, options: GatewayOptions, status: Status, throttle: Throttle) {
  const { config, log, counters, onGone } = options
  return backplaneEvents({
    link,
    log,
    counters,
    throttle,
    url: config.nats.url,
    setUnauthorized: (unauthorized) => {
      if (unauthorized) status.unauthorized.add(link)
      else status.unauthorized.delete(link)
    },
    onBack: () => {
      status.presence?.running?.reconnected()
      status.revocations?.reconnected()
      if (link === 'data') status.history?.running?.reconnected()
    },
    onGone,
    random: Math.random,
  })
}

/** The connections that presence and history need beside that of rooms; control is heard from then on. */
async function connectMore(
  options: GatewayOptions,
  status: Status,
  throttle: Throttle,
  core: Core,
): Promise<PresenceLinks | null> {
  const { config, signal, clock, log, counters } = options
  const links = await connectPresenceLinks(
    { ...config.nats, random: Math.random },
    `sluice-gateway ${config.name}`,
    (link) => linkEvents(link, options, status, throttle),
    signal,
  )
  if (links !== null) {
    status.revocations = startControl({
      core,
      links,
      prefix: config.nats.prefix,
      move: moving(core, clock),
      clock,
      log,
      throttle,
      counters,
    })
  }
  return links
}

function moving(core: Core, clock: Clock): ControlOptions['move'] {
  return ({ connections, windowMs, reason }) => {
    const chosen = core.connections
      .snapshot()
      .filter(({ phase }) => phase === 'open')
      .slice(0, connections)
    void drainConnections({
      connections: chosen,
      ...drainActs(core, reason),
      windowMs,
      nowMs: clock.monotonicMs,
      remaining: () => 0,
    })
    return chosen.length
  }
}

function once<value>(make: () => Promise<value>): () => Promise<value> {
  let made: Promise<value> | null = null
  return () => {
    made ??= make()
    return made
  }
}

function beginPresence(
  options: GatewayOptions,
  status: Status,
  throttle: Throttle,
  core: Core,
  data: Backplane,
  links: PresenceLinks | null,
): RunningPresence | null {
  if (links === null) return null
  const { config, clock, log, counters } = options
  return startPresence({
    ...core,
    links,
    data,
    prefix: config.nats.prefix,
    name: config.name,
    namespaces: () => status.config.namespaces,
    lingerMs: config.presence.lingerMs,
    limits: config.limits,
    clock,
    log,
    throttle,
    counters,
  })
}

function beginHistory(
  options: GatewayOptions,
  status: Status,
  throttle: Throttle,
  core: Core,
  data: Backplane,
  links: PresenceLinks | null,
): RunningHistory | null {
  if (links === null) return null
  const { config, clock, log, counters } = options
  return startHistory({
    ...core,
    data,
    reads: links.reads,
    prefix: config.nats.prefix,
    namespaces: () => status.config.namespaces,
    inbox: () => status.config.inbox,
    payloadBytesMax: config.limits.payloadBytesMax,
    queueBytesMax: config.limits.queueBytesMax,
    isLive: (member) => isLive((member as Connection).phase),
    nowMs: clock.monotonicMs,
    log,
    throttle,
    counters,
  })
}

function drainActs({ wire }: Core, reason: string) {
  return {
    move: (connection: Connection, afterMs: number) => wire.send(connection, { type: 'move', afterMs, reason }),
    close: (connection: Connection) => wire.close(connection, 1012, reason),
  }
}

function publicSite(config: GatewayConfig, clock: Clock) {
  const next = createHttpHandler(config.listen.path)
  if (!config.local) return next
  const { secret, userClaim, grantsClaim } = config.auth
  const sign = (user: string): Promise<string> =>
    signLocalToken(secret ?? '', { user, now: clock.now(), ttlSeconds: LOCAL_TOKEN_SECONDS, userClaim, grantsClaim })
  return createLocalSite({ folders: [LOCAL_PAGE, LOCAL_BUNDLE], sign: secret === undefined ? null : sign, next })
}

/** A tab may stay open for a day. */
const LOCAL_TOKEN_SECONDS = 86_400
