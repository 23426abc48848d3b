// What this router is at the moment, for those who ask on the admin port: readiness, and the numbers of the present. Filled by the
// composition root as it builds; decides nothing.
import { type AdminServer, startAdminServer } from '@sluice/service/admin/admin-server'
import type { Clock } from '@sluice/service/clock'
import type { Logger } from '@sluice/service/log'
import { startLoopMonitor } from '@sluice/service/metrics/event-loop'
import { createMetrics } from '@sluice/service/metrics/registry'
import { decideReadiness } from './admin/readiness.ts'
import type { RouterConfig } from './config/router-config.ts'
import type { KeptHistory } from './history/keep-history.ts'
import type { LinkName, Links } from './links.ts'
import { BUILD } from './metrics/build.ts'
import type { Counters } from './metrics/counters.ts'
import { type Gauges, metricTable } from './metrics/metric-table.ts'
import type { Presence } from './presence.ts'

/** What the admin port tells, also before there is anything to tell of. */
export interface Status {
  links: Links | null
  presence: Presence | null
  history: KeptHistory | null
  draining: boolean
  /** Connections to NATS whose credentials were refused. */
  readonly unauthorized: Set<LinkName>
  /** Connections to NATS that are away, and since when. */
  readonly away: Map<LinkName, number>
}

/** Of a router that has just started. */
export function createStatus(): Status {
  return { links: null, presence: null, history: null, draining: false, unauthorized: new Set(), away: new Map() }
}

/** See {@link startAdmin}. */
export interface StatusOptions {
  readonly config: RouterConfig
  readonly clock: Clock
  readonly log: Logger
  readonly counters: Counters
}

/** Opens the admin port. */
export async function startAdmin(options: StatusOptions, status: Status): Promise<AdminServer> {
  const { config, clock, log, counters } = options
  const readiness = () =>
    decideReadiness(
      {
        started: status.presence?.started ?? false,
        historyMade: status.history?.made ?? true,
        draining: status.draining,
        natsAwaySince: status.away.size === 0 ? null : Math.min(...status.away.values()),
        natsUnauthorized: status.unauthorized.size > 0,
        leaseRenewedAt: status.presence?.renewedAt ?? null,
      },
      clock.monotonicMs(),
      config.router.readinessGraceMs,
    )
  const metrics = createMetrics({
    table: metricTable,
    own: { counters, gauges: gaugesOf(status, clock, () => readiness().ready) },
    build: BUILD,
    loop: startLoopMonitor(),
  })
  const admin = await startAdminServer({
    ...config.router.admin,
    setting: 'SLUICE_ROUTER_ADMIN_HOST and SLUICE_ROUTER_ADMIN_PORT',
    readiness,
    metrics: metrics.text,
    contentType: metrics.contentType,
    onError: (err) => log.error({ err }, 'fault on the admin port'),
  })
  log.info({ adminPort: admin.port }, 'admin port is open')
  return admin
}

function gaugesOf(status: Status, clock: Clock, ready: () => boolean): Gauges {
  const shards = () => status.presence?.shards
  const liveness = () => status.presence?.fleet.liveness
  const sum = <T>(items: Iterable<T> | undefined, of: (item: T) => number): number =>
    [...(items ?? [])].reduce((total, item) => total + of(item), 0)
  return {
    natsConnections: () => Object.values(status.links ?? {}).filter(({ connected }) => connected).length,
    shardsOwned: (scope) => shards()?.owned(scope) ?? 0,
    shardsLoaded: (scope) => sum(shards()?.held, (one) => Number(one.scope === scope && isLoaded(status, one))),
    rooms: () => sum(shards()?.rooms, ({ rooms }) => rooms.size),
    members: () => sum(shards()?.rooms, ({ members }) => members),
    users: () => sum(shards()?.users, ({ view }) => view.count),
    userConnections: () => sum(shards()?.users, ({ view }) => view.connections),
    leases: (tier, state) =>
      (state === 'live'
        ? liveness()?.live(tier)
        : [...(liveness()?.silent ?? []), ...(liveness()?.reapable ?? [])].filter((lease) => lease.tier === tier)
      )?.length ?? 0,
    leaseAgeMs: () => {
      const renewedAt = status.presence?.renewedAt ?? null
      return renewedAt === null ? null : clock.monotonicMs() - renewedAt
    },
    takeViewLagMs: () => status.presence?.takeLagMs() ?? null,
    eventsUnacknowledged: () => status.presence?.followUps.publisher.unacknowledged ?? 0,
    rebalanceExcess: () => status.presence?.rebalancer.excess ?? null,
    queries: (verb) => status.presence?.services.stats.get(verb) ?? null,
    historyStreams: (condition) => status.history?.count(condition) ?? 0,
    ready,
    draining: () => status.draining,
  }
}

function isLoaded({ presence }: Status, { scope, shard }: { readonly scope: 'room' | 'user'; readonly shard: number }) {
  return presence?.shards.isLoaded(scope, shard) ?? false
}
