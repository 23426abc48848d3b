// Every metric of the router: name, type, label, help, and where its number is read. Pure but for what it is given.
import { type Metric, metricForms } from '@sluice/service/metrics/metric'
import { type ProcessSample, processMetrics } from '@sluice/service/metrics/process-metrics'
import type { Tally } from '@sluice/service/metrics/tally'
import type { Counters } from './counters.ts'

/** What the parts know about the present moment. */
export interface Gauges {
  rooms(): number
  members(): number
  users(): number
  userConnections(): number
  gateways(): number
  routers(): number
  roomShardsOwned(): number
  userShardsOwned(): number
  leaseAgeSeconds(): number
  eventsUnacknowledged(): number
  natsConnected(): boolean
  ready(): boolean
  /** Requests answered, by verb. */
  requests(): Tally
  /** Those that were answered by an error, by verb. */
  requestErrors(): Tally
}

/** One look at what the router counts and knows. */
export interface RouterSample {
  readonly counters: Counters
  readonly gauges: Gauges
}

const PREFIX = 'sluice_router_'
const { counter, gauge, tally } = metricForms<RouterSample>(PREFIX)

/** All of them, in the order in which they are told. */
export const metricTable: readonly Metric<RouterSample & ProcessSample>[] = [
  gauge('rooms', 'Rooms that are known, occupied or lately left.', ({ gauges }) => gauges.rooms()),
  gauge('members', 'Members of all rooms.', ({ gauges }) => gauges.members()),
  gauge('users', 'Users online.', ({ gauges }) => gauges.users()),
  gauge('user_connections', 'Connections of all users.', ({ gauges }) => gauges.userConnections()),
  gauge('gateways', 'Live leases of gateways.', ({ gauges }) => gauges.gateways()),
  gauge('routers', 'Live leases of routers.', ({ gauges }) => gauges.routers()),
  gauge('room_shards_owned', 'Shards of rooms that this router answers for.', ({ gauges }) => gauges.roomShardsOwned()),
  gauge('user_shards_owned', 'Shards of users that this router answers for.', ({ gauges }) => gauges.userShardsOwned()),
  gauge('lease_age_seconds', 'Time since our lease was last renewed.', ({ gauges }) => gauges.leaseAgeSeconds()),
  tally('requests', 'verb', 'Requests of services that were answered.', ({ gauges }) => gauges.requests()),
  tally('request_errors', 'verb', 'Requests of services that were answered by an error.', ({ gauges }) =>
    gauges.requestErrors(),
  ),
  counter('events_published', 'Events that the stream has acknowledged.', ({ counters }) => counters.eventsPublished),
  counter(
    'events_retried',
    'Attempts to publish an event that were repeated.',
    ({ counters }) => counters.eventsRetried,
  ),
  counter('events_lost', 'Events that did not fit the queue.', ({ counters }) => counters.eventsLost),
  gauge('events_unacknowledged', 'Events that the stream has not acknowledged yet.', ({ gauges }) =>
    gauges.eventsUnacknowledged(),
  ),
  counter(
    'leases_buried',
    'Leases of others that this router has declared dead.',
    ({ counters }) => counters.leasesBuried,
  ),
  counter('purges', 'Instances whose entries this router has purged.', ({ counters }) => counters.purges),
  counter(
    'limit_closes',
    'Sessions that gateways were told to close, as their user had too many.',
    ({ counters }) => counters.limitCloses,
  ),
  tally('skipped_values', 'reason', 'Leases and entries that were not understood.', ({ counters }) => counters.skipped),
  tally('stores', 'result', 'Buckets and streams that were made or changed.', ({ counters }) => counters.stores),
  gauge('nats_connected', 'Whether NATS can be reached.', ({ gauges }) => Number(gauges.natsConnected())),
  counter('nats_reconnects', 'Times that a connection to NATS came back.', ({ counters }) => counters.natsReconnects),
  counter('nats_errors', 'Errors on the connections to NATS.', ({ counters }) => counters.natsErrors),
  tally('config_reloads', 'result', 'Looks at a changed configuration.', ({ counters }) => counters.configReloads),
  gauge('ready', 'Whether /readyz answers 200.', ({ gauges }) => Number(gauges.ready())),
  counter(
    'uncaught_exceptions',
    'Exceptions that nobody caught; the first ends the process.',
    ({ counters }) => counters.uncaughtExceptions,
  ),
  ...processMetrics(PREFIX),
]
