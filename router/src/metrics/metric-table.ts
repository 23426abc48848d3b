// Every metric of the router: name, type, label, help, and where its number is read. The table in deploy/operators.md is checked
// against it in both directions. Pure but for what it is given.
import { API_VERBS, type ApiVerb, type ShardScope, type Tier } from '@sluice/proto'
import { type Metric, metricForms, plainMetric, type Reading } from '@sluice/service/metrics/metric'
import { type ProcessSample, processMetrics } from '@sluice/service/metrics/process-metrics'
import type { EndpointStats } from '../api/endpoint-stats.ts'
import { STREAM_CONDITIONS, type StreamCondition } from '../history/keep-stream.ts'
import type { Counters } from './counters.ts'

/** What the parts know about the present moment; asked at scrape, so each must be cheap. */
export interface Gauges {
  natsConnections(): number
  shardsOwned(scope: ShardScope): number
  shardsLoaded(scope: ShardScope): number
  rooms(): number
  members(): number
  users(): number
  userConnections(): number
  /** Leases of a tier that live, and that are dead and not cleaned up yet. */
  leases(tier: Tier, state: 'live' | 'dead'): number
  /** Null before the first renewal. */
  leaseAgeMs(): number | null
  /** The worst since this was asked last; null without any change since then. */
  takeViewLagMs(): number | null
  eventsUnacknowledged(): number
  /** Connections above the mean; null where this router does not rebalance. */
  rebalanceExcess(): number | null
  /** Null before anything is answered. */
  queries(verb: ApiVerb): EndpointStats | null
  /** Streams of history that the configuration names, by how they are. */
  historyStreams(condition: StreamCondition): number
  ready(): boolean
  draining(): boolean
}

/** One look at what the router counts and knows. */
export interface RouterSample {
  readonly counters: Counters
  readonly gauges: Gauges
}

/** One metric of a router. */
export type RouterMetric = Metric<RouterSample & ProcessSample>

const PREFIX = 'sluice_router_'
const SCOPES: readonly ShardScope[] = ['room', 'user']
const TIERS: readonly Tier[] = ['gateway', 'router']

const { counter, gauge, tally } = metricForms<RouterSample>(PREFIX)

function labelled(
  type: RouterMetric['type'],
  name: string,
  labels: readonly string[],
  help: string,
  read: (sample: RouterSample) => readonly Reading[],
): RouterMetric {
  return { name: `${PREFIX}${name}`, type, labels, help, read }
}

function byScope(name: string, help: string, of: (gauges: Gauges, scope: ShardScope) => number): RouterMetric {
  return labelled('gauge', name, ['scope'], help, ({ gauges }) =>
    SCOPES.map((scope) => ({ labels: { scope }, value: of(gauges, scope) })),
  )
}

function byVerb(
  type: RouterMetric['type'],
  name: string,
  help: string,
  of: (stats: EndpointStats) => number,
): RouterMetric {
  return labelled(type, name, ['verb'], help, ({ gauges }) =>
    API_VERBS.map((verb) => {
      const stats = gauges.queries(verb)
      return { labels: { verb }, value: stats === null ? 0 : of(stats) }
    }),
  )
}

const shardMetrics: readonly RouterMetric[] = [
  byScope('shards_owned', 'Shards that this router owns, of rooms and of users.', (gauges, scope) =>
    gauges.shardsOwned(scope),
  ),
  byScope('shards_loaded', 'Shards that this router answers for.', (gauges, scope) => gauges.shardsLoaded(scope)),
  gauge('rooms', 'Rooms in these shards, occupied or left lately.', ({ gauges }) => gauges.rooms()),
  gauge('members', 'Members of these rooms together.', ({ gauges }) => gauges.members()),
  gauge('users', 'Users online in these shards.', ({ gauges }) => gauges.users()),
  gauge('user_connections', 'Connections of these users.', ({ gauges }) => gauges.userConnections()),
  counter('entries', 'Entries that were read or came as copies.', ({ counters }) => counters.entries),
  plainMetric<RouterSample>(
    'gauge',
    `${PREFIX}view_lag_seconds`,
    'Time from the storing of an entry until it was seen here, worst since the last scrape, by the clocks of both.',
    ({ gauges }) => secondsOf(gauges.takeViewLagMs()),
  ),
  tally(
    'skipped_values',
    'reason',
    'Leases, entries and messages of routers that were skipped: of a newer release, or malformed.',
    ({ counters }) => counters.skipped,
  ),
]

const queryMetrics: readonly RouterMetric[] = [
  labelled(
    'counter',
    'queries_total',
    ['verb', 'result'],
    'Requests of services that this router has answered: ok, or an error by its code.',
    ({ gauges }) =>
      API_VERBS.flatMap((verb) =>
        Array.from(gauges.queries(verb)?.results.entries() ?? [], ([result, value]) => ({
          labels: { verb, result },
          value,
        })),
      ),
  ),
  byVerb(
    'counter',
    'query_seconds_total',
    'Time spent on these requests, waiting included.',
    (stats) => stats.processingMs / 1000,
  ),
  byVerb(
    'gauge',
    'query_max_seconds',
    'The slowest answer since the last scrape.',
    (stats) => stats.takeSlowestMs() / 1000,
  ),
]

const followUpMetrics: readonly RouterMetric[] = [
  tally(
    'events',
    'result',
    'Events for backends: published, known to the stream from another router, sent again, or dropped for a resync.',
    ({ counters }) => counters.events,
  ),
  gauge('events_unacknowledged', 'Events that the stream has not acknowledged yet.', ({ gauges }) =>
    gauges.eventsUnacknowledged(),
  ),
  counter(
    'limit_closes',
    'Sessions that gateways were told to close with 4030.',
    ({ counters }) => counters.limitCloses,
  ),
  labelled(
    'gauge',
    'leases',
    ['tier', 'state'],
    'Leases that live, and that are dead and not cleaned up yet.',
    ({ gauges }) =>
      TIERS.flatMap((tier) =>
        (['live', 'dead'] as const).map((state) => ({ labels: { tier, state }, value: gauges.leases(tier, state) })),
      ),
  ),
  plainMetric<RouterSample>(
    'gauge',
    `${PREFIX}lease_age_seconds`,
    'Time since the last stored renewal of our lease was sent.',
    ({ gauges }) => secondsOf(gauges.leaseAgeMs()),
  ),
  counter('leases_lost', 'Times that our own lease was lost.', ({ counters }) => counters.leasesLost),
  counter('leases_buried', 'Leases that this router has declared dead.', ({ counters }) => counters.leasesBuried),
  counter('purges', 'Purges of what a dead gateway has left in a shard.', ({ counters }) => counters.purges),
  tally(
    'rebalance_moves',
    'result',
    'Connections that gateways were asked to move to bring them into balance, and those of requests that failed.',
    ({ counters }) => counters.rebalanceMoves,
  ),
  plainMetric<RouterSample>(
    'gauge',
    `${PREFIX}rebalance_excess_connections`,
    'Connections of gateways above the mean while they are out of balance, as the one router sees it that rebalances.',
    ({ gauges }) => gauges.rebalanceExcess(),
  ),
  tally(
    'stores',
    'result',
    'Buckets and streams that this router has created or updated, and attempts that failed.',
    ({ counters }) => counters.stores,
  ),
  labelled(
    'gauge',
    'history_streams',
    ['condition'],
    'Streams of history that the configuration names: kept as it says; there, but with settings that differ; refused, as they are no history; missing.',
    ({ gauges }) =>
      STREAM_CONDITIONS.map((condition) => ({ labels: { condition }, value: gauges.historyStreams(condition) })),
  ),
  counter(
    'history_rollbacks',
    'Streams of history that had lost their end and got a new generation from this router.',
    ({ counters }) => counters.historyRollbacks,
  ),
]

const ownMetrics: readonly RouterMetric[] = [
  gauge('nats_connections', 'Connections to NATS that are up, of three.', ({ gauges }) => gauges.natsConnections()),
  counter('nats_reconnects', 'Times that a connection to NATS came back.', ({ counters }) => counters.natsReconnects),
  counter(
    'nats_errors',
    'Errors on the connections to NATS, authorization aside.',
    ({ counters }) => counters.natsErrors,
  ),
  counter(
    'nats_authorization_errors',
    'Times that NATS refused the credentials or a permission.',
    ({ counters }) => counters.natsAuthorizationErrors,
  ),
  gauge('ready', '1 while /readyz answers 200.', ({ gauges }) => Number(gauges.ready())),
  gauge('draining', '1 from the signal to stop on.', ({ gauges }) => Number(gauges.draining())),
  tally(
    'config_reloads',
    'result',
    'Changes of the configuration file, applied or refused.',
    ({ counters }) => counters.configReloads,
  ),
  counter('uncaught_exceptions', 'Exceptions that nobody caught.', ({ counters }) => counters.uncaughtExceptions),
]

/** Every metric, in the order of the operators' table. */
export const metricTable: readonly RouterMetric[] = [
  ...shardMetrics,
  ...queryMetrics,
  ...followUpMetrics,
  ...ownMetrics,
  ...processMetrics(PREFIX),
]

function secondsOf(ms: number | null): number | null {
  return ms === null ? null : ms / 1000
}
