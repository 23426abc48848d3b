// What the message path counts: plain numbers that cost an addition. Whoever does a thing counts it here; metric-table.ts says how
// they are read when Prometheus asks. Numbers only grow. No room, user or address is ever a label.
import { CLOSE_CODES, GAP_REASONS } from '@sluice/proto'
import { Tally } from '@sluice/service/metrics/tally'

/** Everything that a gateway counts. Parts get it as an argument and add to their own fields. */
export interface Counters {
  /** Upgrades that became sockets. */
  acceptsTotal: number
  /** Upgrades refused before they became sockets, by reason. */
  readonly refusals: Tally
  /** Closed sockets, by close code. */
  readonly closes: Tally
  /** Failed sign-ins, by reason. */
  readonly signInFailures: Tally
  /** Fetches of the key set, by result. */
  readonly jwksFetches: Tally
  /** Frames from clients, malformed ones included. */
  framesIn: number
  /** Frames given to sockets. */
  framesOut: number
  /** Bytes of frames from clients, without WebSocket headers. */
  bytesIn: number
  /** Bytes of frames given to sockets, without WebSocket headers. */
  bytesOut: number
  /** Open sockets that have negotiated compression. Goes up and down. */
  compressedSockets: number
  /** Compressed messages of clients, by what came of them. */
  readonly inflations: Tally
  /** Frames that were to be compressed, once for all their recipients, by what came of them. */
  readonly deflations: Tally
  /** Bytes of frames before and after they were compressed, once for all their recipients. */
  deflatedFromBytes: number
  deflatedToBytes: number
  /** Messages put into connections' queues, once for each connection. */
  deliveries: number
  /** Of these, those that were lost in the queue of a slow reader, or did not come into it. */
  deliveriesDropped: number
  /** Publishes of clients that went to NATS, by kind of target. */
  readonly publishes: Tally
  /** Publishes of clients that failed, by error code. */
  readonly publishFailures: Tally
  /** Calls to services, by what came of them. */
  readonly calls: Tally
  /** Questions of authorisation to services, by what came of them. */
  readonly authorizations: Tally
  /** Requests answered by `error`, publishes included, by error code. */
  readonly requestErrors: Tally
  /** Messages from NATS that were not delivered, by reason. */
  readonly payloadsDropped: Tally
  /** Connections whose queue ran over. */
  slowConsumers: number
  /** Requests answered by `rate_limited`. */
  rateLimited: number
  /** Times that the connection to NATS came back. */
  natsReconnects: number
  /** Errors on the connection to NATS, authorization aside. */
  natsErrors: number
  /** Times that NATS refused our credentials or a permission. */
  natsAuthorizationErrors: number
  /** Exceptions that nobody caught; the first ends the process. */
  uncaughtExceptions: number
  /** Looks at a changed configuration, by result. */
  readonly configReloads: Tally
  /** Loop-back publishes of the readiness probe, by result. */
  readonly probes: Tally
  /** Entries of presence that went to NATS, and what came of them. */
  readonly presenceEntries: Tally
  /** Values of leases and entries that were skipped, by reason. */
  readonly presenceSkipped: Tally
  /** Times that our lease was lost. */
  presenceLeasesLost: number
  /** Joins with `since`, by what came of them. */
  readonly historyRecoveries: Tally
  /** Gaps told to members of a room, by reason. */
  readonly historyGaps: Tally
  /** Reads of what a log was missing, by what came of them. */
  readonly historyRepairs: Tally
  /** Reads of streams, by kind. */
  readonly historyReads: Tally
  /** Publishes into histories that were sent again. */
  historyRetries: number
  /** Checks of streams that could not be made. */
  historyCheckFailures: number
  /** Bytes of recent messages that are held. Goes up and down. */
  historyRingBytes: number
  /** Messages of control, by verb, or by why they were not understood. */
  readonly controls: Tally
  /** Spans of traces, by what became of them. */
  readonly traceSpans: Tally
}

/** Counters of a process that has just started. */
export function createCounters(): Counters {
  return {
    acceptsTotal: 0,
    refusals: new Tally(),
    // Peers may close with any code; these are never counted as `other`. 1005 is a close without one.
    closes: new Tally([...Object.keys(CLOSE_CODES).map(Number), 1005]),
    signInFailures: new Tally(),
    jwksFetches: new Tally(),
    framesIn: 0,
    framesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    compressedSockets: 0,
    inflations: new Tally(['inflated', 'too_large', 'malformed']),
    deflations: new Tally(['deflated', 'not_smaller', 'too_large', 'no_time']),
    deflatedFromBytes: 0,
    deflatedToBytes: 0,
    deliveries: 0,
    deliveriesDropped: 0,
    publishes: new Tally(['room', 'user', 'session', 'stored_room', 'stored_user']),
    publishFailures: new Tally(),
    calls: new Tally(),
    authorizations: new Tally(),
    requestErrors: new Tally(),
    payloadsDropped: new Tally(),
    slowConsumers: 0,
    rateLimited: 0,
    natsReconnects: 0,
    natsErrors: 0,
    natsAuthorizationErrors: 0,
    uncaughtExceptions: 0,
    configReloads: new Tally(['applied', 'refused']),
    probes: new Tally(['ok', 'failed']),
    presenceEntries: new Tally(['written', 'acknowledged', 'failed']),
    presenceSkipped: new Tally(['newer', 'malformed']),
    presenceLeasesLost: 0,
    historyRecoveries: new Tally(['recovered', 'not_recovered', 'failed']),
    historyGaps: new Tally(Object.keys(GAP_REASONS)),
    historyRepairs: new Tally(['repaired', 'lost', 'retried', 'failed']),
    historyReads: new Tally(),
    historyRetries: 0,
    historyCheckFailures: 0,
    historyRingBytes: 0,
    controls: new Tally(['close', 'move', 'unsupported', 'newer', 'bad_request']),
    traceSpans: new Tally(['exported', 'failed', 'dropped']),
  }
}
