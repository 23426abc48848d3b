// What this gateway is at the moment, for those who ask on the admin port: readiness, and the numbers of the present. Filled by the
// composition root as it builds; decides nothing.
import { type AdminServer, startAdminServer } from '@sluice/service/admin/admin-server'
import type { Clock } from '@sluice/service/clock'
import type { Logger } from '@sluice/service/log'
import { startLoopMonitor } from '@sluice/service/metrics/event-loop'
import { createMetrics } from '@sluice/service/metrics/registry'
import { decideReadiness } from './admin/readiness.ts'
import type { Backplane } from './backplane/backplane.ts'
import type { Probe } from './backplane/probe.ts'
import type { LinkName } from './backplane/side-links.ts'
import type { GatewayConfig } from './config/config-schema.ts'
import type { Revocations } from './control/follow-revocations.ts'
import type { HistorySwitch } from './history/history-switch.ts'
import { BUILD } from './metrics/build.ts'
import type { Counters } from './metrics/counters.ts'
import { type Gauges, metricTable } from './metrics/metric-table.ts'
import type { Overload } from './overload/overload.ts'
import type { PresenceSwitch } from './presence/presence-switch.ts'
import type { Core } from './session/core.ts'
import type { Tracing } from './trace/tracing.ts'

/** What the admin port tells, also before there is anything to tell of. */
export interface Status {
  config: GatewayConfig
  listening: boolean
  draining: boolean
  /** Connections to NATS whose credentials were refused. */
  readonly unauthorized: Set<LinkName>
  presence: PresenceSwitch | null
  history: HistorySwitch | null
  /** Null where neither presence nor history has begun: no router is there to revoke anything. */
  revocations: Revocations | null
  backplane: Backplane | null
  probe: Probe | null
  overload: Overload | null
  tracing: Tracing | null
  core: Core | null
}

/** Of a gateway that has just started. */
export function createStatus(config: GatewayConfig): Status {
  return {
    config,
    listening: false,
    draining: false,
    unauthorized: new Set(),
    presence: null,
    history: null,
    revocations: null,
    backplane: null,
    probe: null,
    overload: null,
    tracing: null,
    core: null,
  }
}

/** See {@link startAdmin}. */
export interface StatusOptions {
  readonly config: GatewayConfig
  readonly clock: Clock
  readonly log: Logger
  readonly counters: Counters
}

/** Opens the admin port. */
export async function startAdmin(
  { config, clock, log, counters }: StatusOptions,
  status: Status,
): Promise<AdminServer> {
  const readiness = () =>
    decideReadiness(
      {
        listening: status.listening,
        draining: status.draining,
        natsConnected: status.backplane?.connected ?? false,
        natsUnauthorized: status.unauthorized.size > 0,
        presence: status.presence?.readiness ?? null,
        history: status.history?.readiness ?? null,
        revocations: status.revocations?.readiness ?? null,
        probeCameBackAt: status.probe?.cameBackAt ?? null,
      },
      clock.monotonicMs(),
      config.readiness.graceMs,
    )
  const metrics = createMetrics({
    table: metricTable,
    own: { counters, gauges: gaugesOf(status, () => readiness().ready) },
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

function gaugesOf(status: Status, ready: () => boolean): Gauges {
  return {
    connections: () => status.core?.connections.total ?? 0,
    unauthenticated: () => status.core?.connections.unauthenticated ?? 0,
    signedIn: () =>
      status.core === null ? 0 : status.core.connections.total - status.core.connections.unauthenticated,
    rooms: () => status.core?.topics.count('room') ?? 0,
    users: () => status.core?.connections.users ?? 0,
    subscriptions: () => status.backplane?.subscriptions ?? 0,
    queueBytes: () => status.core?.outbox.bytes ?? 0,
    natsConnected: () => status.backplane?.connected ?? false,
    presenceRooms: () => status.presence?.running?.rooms ?? 0,
    presenceWatchedRooms: () => status.presence?.running?.watched ?? 0,
    presenceLingering: () => status.presence?.running?.lingering ?? 0,
    presenceLeaseAgeMs: () => status.presence?.running?.leaseAgeMs() ?? null,
    traceSpansWaiting: () => status.tracing?.waiting ?? 0,
    ready,
    overloaded: () => (status.overload?.shortage ?? null) !== null,
    draining: () => status.draining,
    drainRemaining: () => (status.draining ? (status.core?.connections.total ?? 0) : 0),
  }
}
