// Who is silent, judged from the renewals of leases as one process sees them. Pure: times are monotonic milliseconds, passed in.
// The living are never judged silent because this process, or NATS, stood still: a judgement needs a renewal of our own that was
// sent after the other's time was over and has come back on the subscription that would have brought the other's before it.

/** How long leases hold, in milliseconds. */
export interface LeaseTimes {
  /** A lease that was not renewed for longer than this may be judged. */
  readonly deadAfterMs: number
  /** A pause between two returns of our own renewals beyond which we were blind: everyone gets the full time again. */
  readonly blindAfterMs: number
  /** A silent lease is forgotten after this: the bucket's age limit, so nothing of it is left there. */
  readonly forgetAfterMs: number
}

/** The times of the contract, for renewals every {@link LEASE_RENEW_MS}: a crash is seen within 12.5 s. */
export const LEASE_TIMES: LeaseTimes = { deadAfterMs: 10_000, blindAfterMs: 4000, forgetAfterMs: 3_600_000 }

/** Between two renewals of a lease. */
export const LEASE_RENEW_MS = 2000

/** What is known of one lease. */
export interface Lease<value> {
  readonly key: string
  readonly value: value
  /** The revision of its last renewal: what a compare-and-set that declares it dead must name. */
  readonly revision: number
  /** Whether it was judged. It stays so until it is renewed, also through a blind period. */
  readonly silent: boolean
}

/** The leases that one process sees, its own included. */
export interface LeaseTable<value> {
  /** A renewal, or the state at load. Revisions that are not above the one known are ignored; whether it was new. */
  renewed(key: string, value: value, revision: number, nowMs: number): boolean
  /** The key was deleted: its owner has left, or a router has cleaned up. Whether that was new. */
  gone(key: string, revision: number): boolean
  /**
   * A renewal of our own has come back on the subscription; one that was read in another way proves nothing.
   *
   * @param sentMs - when it was sent
   * @returns whether a lease is silent now that was not, or was forgotten
   */
  ownReturned(sentMs: number, nowMs: number): boolean
  /**
   * The bucket was created again, or has lost its end: revisions begin anew, and the living renew or create their keys within
   * seconds. All keep their values and get the full time. The subscription must be a new one, so that nothing older follows.
   */
  startOver(nowMs: number): void
  get(key: string): Lease<value> | undefined
  /** Whether the key was deleted, as far as is remembered. */
  isGone(key: string): boolean
  readonly leases: Iterable<Lease<value>>
}

interface Watched<value> {
  readonly lease: Lease<value>
  readonly seenMs: number
}

/** Makes an empty table. */
export function createLeaseTable<value>(times: LeaseTimes = LEASE_TIMES): LeaseTable<value> {
  const watched = new Map<string, Watched<value>>()
  /** Revisions of deletions, so that a late message does not bring a key back. */
  const buried = new Map<string, number>()
  /** When a return of our own was last seen; before the first, when the table was first told of anything. */
  let returnedMs: number | null = null

  return {
    renewed(key, value, revision, nowMs) {
      returnedMs ??= nowMs
      if (revision <= (watched.get(key)?.lease.revision ?? buried.get(key) ?? 0)) return false
      buried.delete(key)
      watched.set(key, { lease: { key, value, revision, silent: false }, seenMs: nowMs })
      return true
    },
    gone(key, revision) {
      const known = watched.get(key)?.lease.revision ?? buried.get(key) ?? 0
      if (revision <= known) return false
      watched.delete(key)
      bury(buried, key, revision)
      return true
    },
    ownReturned(sentMs, nowMs) {
      const blind = returnedMs !== null && nowMs - returnedMs > times.blindAfterMs
      returnedMs = nowMs
      let changed = false
      for (const [key, { lease, seenMs }] of watched) {
        if (lease.silent) {
          if (sentMs > seenMs + times.forgetAfterMs) {
            watched.delete(key)
            bury(buried, key, lease.revision)
            changed = true
          }
        } else if (blind) {
          watched.set(key, { lease, seenMs: nowMs })
        } else if (sentMs > seenMs + times.deadAfterMs) {
          watched.set(key, { lease: { ...lease, silent: true }, seenMs })
          changed = true
        }
      }
      return changed
    },
    startOver(nowMs) {
      buried.clear()
      for (const [key, { lease }] of watched) watched.set(key, { lease: { ...lease, revision: 0 }, seenMs: nowMs })
      returnedMs = nowMs
    },
    get: (key) => watched.get(key)?.lease,
    isGone: (key) => buried.has(key),
    get leases() {
      return [...watched.values()].map(({ lease }) => lease)
    },
  }
}

function bury(buried: Map<string, number>, key: string, revision: number): void {
  buried.set(key, revision)
  if (buried.size > BURIED_MAX) buried.delete(buried.keys().next().value as string)
}

/** Instances are never used again, so remembering some thousands outlives every message under way. */
const BURIED_MAX = 4096
