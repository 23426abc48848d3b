// The composition root of the router: admin port, NATS, stores, then the core. Read this first, then presence.ts.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  API_VERBS,
  createPresenceStores,
  type Instance,
  LEASE_TIMES,
  PROTOCOL_VERSION,
  ROOM_SHARDS,
  USER_SHARDS,
} from '@sluice/proto'
import { type AdminServer, type Readiness, startAdminServer } from '@sluice/service/admin/admin-server'
import type { Clock } from '@sluice/service/clock'
import type { Logger } from '@sluice/service/log'
import { startLoopMonitor } from '@sluice/service/metrics/event-loop'
import { startMinuteLine } from '@sluice/service/metrics/minute-line'
import { createMetrics } from '@sluice/service/metrics/registry'
import { Tally } from '@sluice/service/metrics/tally'
import { createThrottle } from '@sluice/service/throttle'
import type { RouterConfig } from './config/router-config.ts'
import { connectLinks, type Links } from './links.ts'
import type { Counters } from './metrics/counters.ts'
import { type Gauges, metricTable } from './metrics/metric-table.ts'
import { type Presence, startPresence } from './presence.ts'
import type { ReadinessReason } from './readiness-reasons.ts'
import { ensureStore } from './store/create-stores.ts'
import { storeConfigs } from './store/store-configs.ts'

/** What a router is started with. */
export interface RouterOptions {
  readonly config: RouterConfig
  readonly clock: Clock
  readonly log: Logger
  readonly counters: Counters
  /** Ends the waiting for NATS. */
  readonly signal: AbortSignal
  /** NATS is gone for good: the process must end. */
  readonly onGone: () => void
}

/** A running router. */
export interface Router {
  /** Takes over what may change while it runs: the log's level. */
  apply(config: RouterConfig): void
  /** Leaves the fleet, then NATS. Called once. */
  drain(): Promise<void>
}

const LOG_EVERY_MS = 60_000
/** Between two looks at whether the stores are there and right. */
const STORES_MS = 2000

interface Status {
  links: Links | null
  presence: Presence | null
  draining: boolean
  storesMade: boolean
}

/**
 * Starts a router.
 *
 * @returns null if the signal came before NATS did
 * @throws ListenError for a taken port; NatsRefused for what an operator must mend
 */
export async function startRouter(options: RouterOptions): Promise<Router | null> {
  const { config, clock, log, counters } = options
  const throttle = createThrottle(LOG_EVERY_MS, clock.monotonicMs)
  const status: Status = { links: null, presence: null, draining: false, storesMade: false }
  const admin = await startAdmin(options, status)
  const links = await connectLinks(
    {
      nats: config.nats,
      name: config.router.name,
      log,
      counters,
      throttle,
      random: Math.random,
      onBack: () => status.presence?.check(),
      onGone: options.onGone,
    },
    options.signal,
  ).catch(async (error: unknown) => {
    await admin.close()
    throw error
  })
  if (links === null) {
    await admin.close()
    return null
  }
  status.links = links
  const stores = keepStores(options, links, status)
  const presence = startPresence({
    config,
    links,
    clock,
    log,
    counters,
    throttle,
    newInstance: (): Instance => randomBytes(9).toString('base64url'),
    version: BUILD.version,
  })
  status.presence = presence
  const minuteLine = startMinuteLine({
    log,
    gauges: () => ({ rooms: presence.views.rooms.size, users: presence.views.users.count }),
    counts: () => ({ events: counters.eventsPublished }),
  })
  log.info({ instance: presence.fleet.instance, adminPort: admin.port, ...BUILD }, 'routing')
  return {
    apply(changed) {
      log.level = changed.log.level
    },
    async drain() {
      status.draining = true
      log.info({}, 'draining')
      stores.stop()
      minuteLine.stop()
      await presence.leave(config.router.drainMs)
      await Promise.all([links.control.drain(), links.data.drain(), links.reads.drain()])
      await admin.close()
      log.info({}, 'drained')
    },
  }
}

/** Makes the stores right, now and whenever one is lost. */
function keepStores(
  { config, clock, log, counters }: RouterOptions,
  { control }: Links,
  status: Status,
): { stop(): void } {
  const throttle = createThrottle(LOG_EVERY_MS, clock.monotonicMs)
  const { replicas, eventsSeconds, eventsBytesMax } = config.router
  let busy = false
  async function ensure(): Promise<void> {
    if (busy || !control.connected) return
    busy = true
    try {
      const wanted = storeConfigs(
        createPresenceStores(config.nats.prefix),
        { replicas, eventsSeconds, eventsBytesMax },
        clock.now(),
      )
      for (const store of wanted) {
        const outcome = await ensureStore(control, store)
        if (outcome === 'unchanged') continue
        counters.stores.add(outcome)
        log.info({ store: store.name, outcome }, 'a store was made or changed')
      }
      status.storesMade = true
    } catch (error) {
      counters.stores.add('failed')
      if (throttle('stores') !== null)
        log.warn({ reason: (error as Error).message }, 'the stores could not be made; it is repeated')
    } finally {
      busy = false
    }
  }
  void ensure()
  const timer = setInterval(() => void ensure(), STORES_MS)
  return { stop: () => clearInterval(timer) }
}

function readinessOf(status: Status, { config, clock }: RouterOptions): Readiness {
  const { presence, draining } = status
  const reasons: ReadinessReason[] = []
  const renewedAt = presence?.fleet.renewedAt ?? null
  if (!status.storesMade) reasons.push('starting')
  else if (presence === null || !presence.loaded) reasons.push('loading')
  if (draining) reasons.push('draining')
  const graceMs = Math.max(config.router.readinessGraceMs, LEASE_TIMES.deadAfterMs)
  if (renewedAt === null) reasons.push('lease_missing')
  else if (clock.monotonicMs() - renewedAt > graceMs) reasons.push('lease_overdue')
  return { ready: reasons.length === 0, reasons }
}

async function startAdmin(options: RouterOptions, status: Status): Promise<AdminServer> {
  const { config, clock, log, counters } = options
  const own = { counters, gauges: gaugesOf(options, status) }
  const metrics = createMetrics({ table: metricTable, own, build: BUILD, loop: startLoopMonitor() })
  const admin = await startAdminServer({
    ...config.router.admin,
    setting: 'SLUICE_ROUTER_ADMIN_HOST and SLUICE_ROUTER_ADMIN_PORT',
    readiness: () => readinessOf(status, { ...options, clock }),
    metrics: metrics.text,
    contentType: metrics.contentType,
    onError: (err) => log.error({ err }, 'fault on the admin port'),
  })
  log.info({ adminPort: admin.port }, 'admin port is open')
  return admin
}

function gaugesOf(options: RouterOptions, status: Status): Gauges {
  const live = (tier: 'gateway' | 'router'): number => status.presence?.fleet.liveness.live(tier).length ?? 0
  const byVerb = (of: 'requests' | 'errors'): Tally => {
    const tally = new Tally(API_VERBS)
    for (const verb of API_VERBS) tally.add(verb, status.presence?.stats.get(verb)?.[of] ?? 0)
    return tally
  }
  return {
    rooms: () => status.presence?.views.rooms.size ?? 0,
    members: () => {
      let members = 0
      for (const { view } of status.presence?.views.rooms.values() ?? []) members += view.count
      return members
    },
    users: () => status.presence?.views.users.count ?? 0,
    userConnections: () => status.presence?.views.users.connections ?? 0,
    gateways: () => live('gateway'),
    routers: () => live('router'),
    roomShardsOwned: () => status.presence?.ownership.count('room', ROOM_SHARDS) ?? 0,
    userShardsOwned: () => status.presence?.ownership.count('user', USER_SHARDS) ?? 0,
    leaseAgeSeconds: () => {
      const renewedAt = status.presence?.fleet.renewedAt ?? null
      return renewedAt === null ? 0 : (options.clock.monotonicMs() - renewedAt) / 1000
    },
    eventsUnacknowledged: () => status.presence?.publisher.unacknowledged ?? 0,
    natsConnected: () => status.links?.data.connected ?? false,
    ready: () => readinessOf(status, options).ready,
    requests: () => byVerb('requests'),
    requestErrors: () => byVerb('errors'),
  }
}

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
const BUILD = { version: manifest.version, node: process.version, protocol: PROTOCOL_VERSION }
