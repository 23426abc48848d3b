// What a router counts: plain numbers, read when Prometheus asks; metric-table.ts says how. Numbers only grow. No room, user or
// address is ever a label.
import { Tally } from '@sluice/service/metrics/tally'

/** Everything that a router counts. */
export interface Counters {
  /** Events, by what came of them. */
  readonly events: Tally
  /** Leases that this router has declared dead. */
  leasesBuried: number
  /** Times that our own lease was lost. */
  leasesLost: number
  /** What dead instances left in one shard, purged. */
  purges: number
  /** Sessions that gateways were told to close, each once. */
  limitCloses: number
  /** Connections that gateways were asked to move to bring them into balance, by whether the gateway took it on. */
  readonly rebalanceMoves: Tally
  /** Entries that came as live copies or by a read. */
  entries: number
  /** Values that were not understood, by why. */
  readonly skipped: Tally
  /** Stores made or changed, by outcome. */
  readonly stores: Tally
  /** Streams of history that had lost their end and got a new generation from us. */
  historyRollbacks: number
  natsReconnects: number
  natsErrors: number
  natsAuthorizationErrors: number
  /** Looks at a changed configuration, by result. */
  readonly configReloads: Tally
  /** Exceptions that nobody caught; the first ends the process. */
  uncaughtExceptions: number
}

/** Counters of a process that has just started. */
export function createCounters(): Counters {
  return {
    events: new Tally(['published', 'duplicate', 'retried', 'dropped']),
    leasesBuried: 0,
    leasesLost: 0,
    purges: 0,
    limitCloses: 0,
    rebalanceMoves: new Tally(['asked', 'failed']),
    entries: 0,
    skipped: new Tally(['newer', 'malformed']),
    stores: new Tally(['created', 'updated', 'failed']),
    historyRollbacks: 0,
    natsReconnects: 0,
    natsErrors: 0,
    natsAuthorizationErrors: 0,
    configReloads: new Tally(['applied', 'refused']),
    uncaughtExceptions: 0,
  }
}
