// Every metric of the gateway: name, type, label, help, and where its number is read. The table in deploy/operators.md is checked
// against it in both directions. Pure but for what it is given.
import { type Metric, metricForms, plainMetric } from '@sluice/service/metrics/metric'
import { type ProcessSample, processMetrics } from '@sluice/service/metrics/process-metrics'
import type { Counters } from './counters.ts'

/** What the parts know about the present moment; asked at scrape, so each must be cheap. */
export interface Gauges {
  connections(): number
  signedIn(): number
  unauthenticated(): number
  rooms(): number
  users(): number
  subscriptions(): number
  queueBytes(): number
  natsConnected(): boolean
  ready(): boolean
  draining(): boolean
  /** New sockets are refused as the process has too much to do. */
  overloaded(): boolean
  presenceRooms(): number
  presenceWatchedRooms(): number
  presenceLingering(): number
  /** Null while there is no presence, and before the first renewal. */
  presenceLeaseAgeMs(): number | null
  traceSpansWaiting(): number
  /** Sockets that are still to be closed by the drain; 0 outside of one. */
  drainRemaining(): number
}

/** One look at what the gateway counts and knows. */
export interface GatewaySample {
  readonly counters: Counters
  readonly gauges: Gauges
}

/** One metric of a gateway. */
export type GatewayMetric = Metric<GatewaySample & ProcessSample>

const PREFIX = 'sluice_gateway_'

const { counter, gauge, tally } = metricForms<GatewaySample>(PREFIX)

const connectionMetrics: readonly GatewayMetric[] = [
  gauge('connections', 'Open sockets.', ({ gauges }) => gauges.connections()),
  gauge('connections_signed_in', 'Open sockets that have signed in.', ({ gauges }) => gauges.signedIn()),
  gauge('connections_unauthenticated', 'Open sockets that have not signed in yet.', ({ gauges }) =>
    gauges.unauthenticated(),
  ),
  counter('accepts', 'Upgrades that became sockets.', ({ counters }) => counters.acceptsTotal),
  tally('refusals', 'reason', 'Upgrades refused before they became sockets.', ({ counters }) => counters.refusals),
  tally(
    'closes',
    'code',
    'Closed sockets, by the close code that the gateway saw or sent.',
    ({ counters }) => counters.closes,
  ),
  tally('sign_in_failures', 'reason', 'Failed sign-ins.', ({ counters }) => counters.signInFailures),
  tally('jwks_fetches', 'result', 'Fetches of the key set.', ({ counters }) => counters.jwksFetches),
]

const trafficMetrics: readonly GatewayMetric[] = [
  counter('frames_received', 'Frames from clients.', ({ counters }) => counters.framesIn),
  counter('frames_sent', 'Frames given to sockets.', ({ counters }) => counters.framesOut),
  counter(
    'received_bytes',
    'Bytes of frames from clients, without WebSocket headers.',
    ({ counters }) => counters.bytesIn,
  ),
  counter(
    'sent_bytes',
    'Bytes of frames given to sockets, WebSocket headers included.',
    ({ counters }) => counters.bytesOut,
  ),
  gauge(
    'connections_compressed',
    'Open sockets that have negotiated compression.',
    ({ counters }) => counters.compressedSockets,
  ),
  tally(
    'inflations',
    'result',
    'Compressed messages of clients: inflated, too_large, malformed.',
    ({ counters }) => counters.inflations,
  ),
  tally(
    'deflations',
    'result',
    'Messages to compress, once for all recipients: deflated, not_smaller, too_large, no_time.',
    ({ counters }) => counters.deflations,
  ),
  counter(
    'deflated_from_bytes',
    'Bytes of compressed messages before, once for all recipients.',
    ({ counters }) => counters.deflatedFromBytes,
  ),
  counter(
    'deflated_to_bytes',
    'Bytes of compressed messages after, once for all recipients.',
    ({ counters }) => counters.deflatedToBytes,
  ),
  counter('deliveries', 'Messages put into queues, once for each connection.', ({ counters }) => counters.deliveries),
  tally(
    'publishes',
    'kind',
    'Publishes of clients that went to NATS, by kind of target: room, user, session, and stored ones.',
    ({ counters }) => counters.publishes,
  ),
  tally(
    'publish_failures',
    'code',
    'Publishes of clients that failed, by error code.',
    ({ counters }) => counters.publishFailures,
  ),
  tally('calls', 'result', 'Calls of clients to services, by what came of them.', ({ counters }) => counters.calls),
  tally(
    'authorizations',
    'result',
    'Questions to services whether a user may do something, by what came of them.',
    ({ counters }) => counters.authorizations,
  ),
  tally(
    'request_errors',
    'code',
    'Requests answered by an error, by its code.',
    ({ counters }) => counters.requestErrors,
  ),
  counter('rate_limited', 'Requests over their rate.', ({ counters }) => counters.rateLimited),
  tally(
    'payloads_dropped',
    'reason',
    'Messages from NATS that could not be delivered.',
    ({ counters }) => counters.payloadsDropped,
  ),
  gauge('rooms', 'Rooms with a member on this gateway.', ({ gauges }) => gauges.rooms()),
  gauge('users', 'Users with a socket on this gateway.', ({ gauges }) => gauges.users()),
  gauge('queue_bytes', 'Bytes that wait in all queues.', ({ gauges }) => gauges.queueBytes()),
  counter(
    'slow_consumers',
    'Connections that were closed as their queue ran over.',
    ({ counters }) => counters.slowConsumers,
  ),
  counter(
    'deliveries_dropped',
    'Messages that slow readers have lost, once for each connection.',
    ({ counters }) => counters.deliveriesDropped,
  ),
]

const natsMetrics: readonly GatewayMetric[] = [
  gauge('nats_connected', '1 while NATS is connected.', ({ gauges }) => Number(gauges.natsConnected())),
  gauge('nats_subscriptions', 'Subscriptions at NATS.', ({ gauges }) => gauges.subscriptions()),
  counter('nats_reconnects', 'Times that the connection to NATS came back.', ({ counters }) => counters.natsReconnects),
  counter(
    'nats_errors',
    'Errors on the connection to NATS, authorization aside.',
    ({ counters }) => counters.natsErrors,
  ),
  counter(
    'nats_authorization_errors',
    'Times that NATS refused the credentials or a permission.',
    ({ counters }) => counters.natsAuthorizationErrors,
  ),
  tally(
    'probes',
    'result',
    'Loop-back publishes of the readiness probe, ok or failed.',
    ({ counters }) => counters.probes,
  ),
]

const presenceMetrics: readonly GatewayMetric[] = [
  gauge('presence_rooms', 'Rooms in which users of this gateway are shown.', ({ gauges }) => gauges.presenceRooms()),
  gauge('presence_watched_rooms', 'Rooms whose members connections of this gateway watch.', ({ gauges }) =>
    gauges.presenceWatchedRooms(),
  ),
  gauge('presence_lingering', 'Memberships of connections that broke and are still shown.', ({ gauges }) =>
    gauges.presenceLingering(),
  ),
  tally(
    'presence_entries',
    'result',
    'Entries of presence that were written to NATS, and of these the acknowledged and the failed.',
    ({ counters }) => counters.presenceEntries,
  ),
  tally(
    'presence_skipped',
    'reason',
    'Values of leases and entries that were skipped: of a newer release, or malformed.',
    ({ counters }) => counters.presenceSkipped,
  ),
  plainMetric<GatewaySample>(
    'gauge',
    `${PREFIX}presence_lease_age_seconds`,
    'Time since the last stored renewal of our lease was sent.',
    ({ gauges }) => secondsOf(gauges.presenceLeaseAgeMs()),
  ),
  counter(
    'presence_leases_lost',
    'Times that our lease was lost and everything was announced anew.',
    ({ counters }) => counters.presenceLeasesLost,
  ),
  tally(
    'controls',
    'verb',
    'Messages of control from routers, by verb, or by why they were not understood.',
    ({ counters }) => counters.controls,
  ),
]

const historyMetrics: readonly GatewayMetric[] = [
  tally(
    'history_recoveries',
    'result',
    'Joins with a position, by whether everything behind it was there: recovered, not_recovered, failed.',
    ({ counters }) => counters.historyRecoveries,
  ),
  tally('history_gaps', 'reason', 'Gaps told to all members of a room.', ({ counters }) => counters.historyGaps),
  tally(
    'history_repairs',
    'result',
    'Reads of messages that live delivery had missed: repaired, lost, retried, failed.',
    ({ counters }) => counters.historyRepairs,
  ),
  tally('history_reads', 'kind', 'Questions to streams, by kind.', ({ counters }) => counters.historyReads),
  counter(
    'history_retries',
    'Publishes into histories that were sent again.',
    ({ counters }) => counters.historyRetries,
  ),
  counter(
    'history_check_failures',
    'Checks of streams that could not be made.',
    ({ counters }) => counters.historyCheckFailures,
  ),
  gauge('history_ring_bytes', 'Bytes of recent messages that are held.', ({ counters }) => counters.historyRingBytes),
]

const traceMetrics: readonly GatewayMetric[] = [
  tally(
    'trace_spans',
    'result',
    'Spans of traces: exported, failed with their batch, or dropped as too many were waiting.',
    ({ counters }) => counters.traceSpans,
  ),
  gauge('trace_spans_waiting', 'Spans of traces that are to be exported.', ({ gauges }) => gauges.traceSpansWaiting()),
]

const ownMetrics: readonly GatewayMetric[] = [
  gauge('ready', '1 while /readyz answers 200.', ({ gauges }) => Number(gauges.ready())),
  gauge('overloaded', '1 while new sockets are refused as the event loop is late or memory is short.', ({ gauges }) =>
    Number(gauges.overloaded()),
  ),
  gauge('draining', '1 from the signal to stop on.', ({ gauges }) => Number(gauges.draining())),
  gauge('drain_remaining', 'Sockets that the drain has still to close.', ({ gauges }) => gauges.drainRemaining()),
  tally(
    'config_reloads',
    'result',
    'Changes of the configuration file, applied or refused.',
    ({ counters }) => counters.configReloads,
  ),
  counter('uncaught_exceptions', 'Exceptions that nobody caught.', ({ counters }) => counters.uncaughtExceptions),
]

/** Every metric, in the order of the operators' table. */
export const metricTable: readonly GatewayMetric[] = [
  ...connectionMetrics,
  ...trafficMetrics,
  ...natsMetrics,
  ...presenceMetrics,
  ...historyMetrics,
  ...traceMetrics,
  ...ownMetrics,
  ...processMetrics(PREFIX),
]

function secondsOf(ms: number | null): number | null {
  return ms === null ? null : ms / 1000
}
