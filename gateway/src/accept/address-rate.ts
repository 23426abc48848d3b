// Rates by client address: connections, and failed sign-ins. Bounded in addresses; the one seen longest ago is forgotten first.
// Step 1 of the message path.
import { type Bucket, type BucketRate, createBucket, take } from '../session/rate-limit.ts'
import { rateKey } from './address.ts'

/** Addresses remembered: some hundred bytes each. */
const ADDRESSES_MAX = 10_000

/** Rates of addresses. */
export interface AddressRates {
  /** Takes for a connection; the milliseconds to wait if the address connects or fails too often, else 0. */
  connect(address: string, nowMs: number): number
  /** Counts a failed sign-in. */
  failed(address: string, nowMs: number): void
}

/** See {@link createAddressRates}. */
export interface AddressRateOptions {
  readonly connectionsPerSecond: number
  readonly signInFailuresPerSecond: number
}

interface Seen {
  readonly connections: Bucket
  readonly failures: Bucket
}

/** Makes the rates of a gateway. */
export function createAddressRates(options: AddressRateOptions): AddressRates {
  const connectionRate = rate(options.connectionsPerSecond)
  const failureRate = rate(options.signInFailuresPerSecond)
  const seen = new Map<string, Seen>()

  function of(address: string, nowMs: number): Seen {
    const key = rateKey(address)
    const known = seen.get(key)
    const buckets = known ?? {
      connections: createBucket(connectionRate, nowMs),
      failures: createBucket(failureRate, nowMs),
    }
    // Set again to stand last: a Map keeps the order of insertion.
    if (known !== undefined) seen.delete(key)
    else if (seen.size >= ADDRESSES_MAX) seen.delete(seen.keys().next().value as string)
    seen.set(key, buckets)
    return buckets
  }

  return {
    connect(address, nowMs) {
      const { connections, failures } = of(address, nowMs)
      const failureWaitMs = take(failures, failureRate, nowMs)
      // Only failures cost here: what was taken to look is given back.
      if (failureWaitMs === 0) failures.tokens++
      else return failureWaitMs
      return take(connections, connectionRate, nowMs)
    },
    failed(address, nowMs) {
      take(of(address, nowMs).failures, failureRate, nowMs)
    },
  }
}

/** A second's worth may come at once. */
function rate(perSecond: number): BucketRate {
  return { perSecond, burst: perSecond }
}
