// The composition root: builds the parts in the order in which a message meets them, and takes them down in the reverse order.
// Read this first. It decides nothing itself; each part's own file says what it does.
import { randomBytes } from 'node:crypto'
import type { AdminServer } from '@sluice/service/admin/admin-server'
import type { Clock } from '@sluice/service/clock'
import type { Logger } from '@sluice/service/log'
import { startMinuteLine } from '@sluice/service/metrics/minute-line'
import { createThrottle, type Throttle } from '@sluice/service/throttle'
import { createAuthenticator } from './accept/authenticate/authenticator.ts'
import { startAccept } from './accept/start-accept.ts'
import type { Backplane } from './backplane/backplane.ts'
import { createNatsLinks, type NatsLinks } from './backplane/nats-links.ts'
import { createProbe } from './backplane/probe.ts'
import type { SideLinks } from './backplane/side-links.ts'
import type { GatewayConfig } from './config/config-schema.ts'
import { startControl } from './control/start-control.ts'
import { DRAIN_REST_MS, drainConnections } from './drain/drain.ts'
import { moveActs } from './drain/move-acts.ts'
import { applySlowReaders } from './fanout/slow-readers.ts'
import { createHistorySwitch } from './history/history-switch.ts'
import { startHistory } from './history/start-history.ts'
import { BUILD } from './metrics/build.ts'
import type { Counters } from './metrics/counters.ts'
import { startOverload } from './overload/overload.ts'
import { createPresenceSwitch, wantsPresence } from './presence/presence-switch.ts'
import { startPresence } from './presence/start-presence.ts'
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
 * @throws ListenError for a taken port; Refused for what an operator must mend
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway | null> {
  const status = createStatus(options.config)
  const ground = { ...options, status, throttle: createThrottle(LOG_EVERY_MS, options.clock.monotonicMs) }
  const admin = await startAdmin(options, status)
  try {
    const links = createLinks(ground)
    const backplane = await links.connectData()
    if (backplane === null) {
      await admin.close()
      return null
    }
    const core = await buildCore(ground, backplane)
    status.backplane = backplane
    status.core = core
    await startFurther(ground, links, backplane, core)
    return await open(ground, admin, backplane, core)
  } catch (error) {
    await admin.close()
    throw error
  }
}

/** What all parts stand on. */
interface Ground extends GatewayOptions {
  readonly status: Status
  readonly throttle: Throttle
}

function createLinks(ground: Ground): NatsLinks {
  const { config, status, clock } = ground
  return createNatsLinks({
    ...ground,
    presence: wantsPresence(config.namespaces),
    setUnauthorized(link, unauthorized) {
      if (unauthorized) status.unauthorized.add(link)
      else status.unauthorized.delete(link)
    },
    onBack(link) {
      status.presence?.running?.reconnected()
      status.revocations?.reconnected()
      if (link === 'data') status.history?.running?.reconnected()
    },
    random: Math.random,
    nowMs: clock.monotonicMs,
  })
}

async function buildCore(ground: Ground, backplane: Backplane): Promise<Core> {
  const { config, status, clock, log, counters } = ground
  const gateway = newGatewayId(() => randomBytes(9))
  status.tracing = await startTracing({ trace: config.trace, log, counters, gateway, version: BUILD.version })
  return createCore({
    ...ground,
    config: () => status.config,
    backplane,
    authenticator: createAuthenticator(config.auth, {
      clock,
      nameBytesMax: config.limits.nameBytesMax,
      onJwksFetch: (result) => counters.jwksFetches.add(result),
    }),
    gateway,
    tracing: status.tracing,
    presence: () => status.presence?.running?.session ?? null,
    history: () => status.history?.running ?? null,
    revocations: () => status.revocations,
    onProbe: (payload) => status.probe?.received(payload),
  })
}

/** Presence and history, each from when the configuration first wants it; control is heard as soon as there is one of them. */
async function startFurther(ground: Ground, links: NatsLinks, data: Backplane, core: Core): Promise<void> {
  const { config, status, clock } = ground
  const { prefix } = config.nats
  const both = { ...ground, ...core, data, prefix, namespaces: () => status.config.namespaces }

  async function connectSide(): Promise<SideLinks | null> {
    const side = await links.side()
    if (side !== null) status.revocations ??= startControl({ ...ground, core, links: side, prefix })
    return side
  }

  status.presence = createPresenceSwitch({
    async start() {
      const side = await connectSide()
      const { name, limits, presence } = config
      return side && startPresence({ ...both, links: side, name, lingerMs: presence.lingerMs, limits })
    },
    onChange: ({ session }) => session.sync(core.connections.snapshot()),
  })
  status.history = createHistorySwitch(async () => {
    const side = await connectSide()
    if (side === null) return null
    return startHistory({
      ...both,
      ...config.limits,
      reads: side.reads,
      inbox: () => status.config.inbox,
      isLive: (member) => isLive((member as Connection).phase),
      nowMs: clock.monotonicMs,
    })
  })
  await Promise.all([status.presence.apply(config.namespaces), status.history.apply(config)])
}

/** Lets clients in; what it gives takes the whole down again. */
async function open(ground: Ground, admin: AdminServer, backplane: Backplane, core: Core): Promise<Gateway> {
  const { config, status, clock, log, counters } = ground
  const probe = createProbe({
    backplane,
    subject: core.probeSubject,
    everyMs: config.readiness.probeMs,
    nowMs: clock.monotonicMs,
    onResult: (came) => counters.probes.add(came ? 'ok' : 'failed'),
  })
  status.probe = probe
  const overload = startOverload({ rules: config.overload, log, nowMs: clock.monotonicMs })
  status.overload = overload
  const { port, server } = await startAccept({
    ...ground,
    ...core,
    draining: () => status.draining,
    shortage: () => overload.shortage,
  })
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
      applySlowReaders(core.topics.all, changed.namespaces)
      const applied = Promise.all([status.presence?.apply(changed.namespaces), status.history?.apply(changed)])
      applied.catch((error: unknown) => {
        log.fatal({ err: error }, 'presence or history could not begin')
        ground.onGone()
      })
    },
    async drain() {
      status.draining = true
      log.info({ connections: core.connections.total, windowMs: config.drain.windowMs }, 'draining')
      void status.presence?.running?.drain()
      await drainConnections({
        connections: core.connections.snapshot(),
        ...moveActs(core.wire, 'service restart'),
        windowMs: config.drain.windowMs,
        nowMs: clock.monotonicMs,
        remaining: () => core.connections.total,
      })
      server.close()
      await status.presence?.running?.leave(Math.max(0, config.drain.marginMs - DRAIN_REST_MS))
      clearInterval(ticking)
      minuteLine.stop()
      overload.stop()
      probe.stop()
      await backplane.drain()
      await status.tracing?.close()
      await admin.close()
      log.info({}, 'drained')
    },
  }
}
