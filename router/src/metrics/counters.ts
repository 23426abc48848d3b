// What a router counts: plain numbers, read when Prometheus asks.
import { Tally } from '@sluice/service/metrics/tally'

/** Everything that a router counts. */
export interface Counters {
  eventsPublished: number
  eventsRetried: number
  eventsLost: number
  leasesBuried: number
  purges: number
  limitCloses: number
  natsReconnects: number
  natsErrors: number
  uncaughtExceptions: number
  /** Looks at a changed configuration, by result. */
  readonly configReloads: Tally
  /** Values that were not understood, by why. */
  readonly skipped: Tally
  /** Stores made or changed, by outcome. */
  readonly stores: Tally
}

/** Counters of a process that has just started. */
export function createCounters(): Counters {
  return {
    eventsPublished: 0,
    eventsRetried: 0,
    eventsLost: 0,
    leasesBuried: 0,
    purges: 0,
    limitCloses: 0,
    natsReconnects: 0,
    natsErrors: 0,
    uncaughtExceptions: 0,
    configReloads: new Tally(['applied', 'refused']),
    skipped: new Tally(['newer', 'malformed']),
    stores: new Tally(['created', 'updated', 'failed']),
  }
}
