// The fleet as one process sees it: its own lease, kept, and everyone's leases, followed and judged. Both tiers stand on it. What
// follows from a change (views, shards, announcing again) is the caller's.
import {
  type Bucket,
  createLiveness,
  decodeLease,
  encodeLease,
  type Instance,
  keyFilters,
  LEASE_RENEW_MS,
  LEASE_TIMES,
  type LeaseState,
  type LeaseValue,
  type Liveness,
  type LivenessChange,
  leaseKey,
  type Tier,
  type Verdict,
} from '@sluice/proto'
import { type Follower, followBucket } from './bucket-follower.ts'
import { keepLease } from './lease-keeper.ts'
import type { NatsPort } from './port.ts'

/** See {@link joinFleet}. */
export interface FleetOptions {
  /** The connection of leases and control. */
  readonly control: NatsPort
  readonly reads: NatsPort
  readonly leases: Bucket
  readonly tier: Tier
  readonly verdict: Verdict
  /** What our lease says beside its state; asked at each renewal. */
  readonly describe: () => Pick<LeaseValue, 'name' | 'version' | 'gateway' | 'connections'>
  readonly newInstance: () => Instance
  readonly nowMs: () => number
  /** Leases have begun, ended, or changed their state. */
  readonly onChange: (change: LivenessChange) => void
  /** All leases that were there are known; once. */
  readonly onLoaded: () => void
  /** The bucket is another: whatever was derived from its leases is to be built again. */
  readonly onStartOver: () => void
  /** Our lease was lost: under the new instance everything is to be announced again, then {@link Fleet.setState} `up`. */
  readonly onLost: (lost: Instance, next: Instance) => void
  /** A value of a newer release, or one that can't be read, was skipped. */
  readonly onSkipped: (why: 'newer' | 'malformed') => void
  /** A renewal or a read failed and is repeated. */
  readonly onRetry: (reason: string) => void
}

/** A place in the fleet. */
export interface Fleet {
  readonly instance: Instance
  readonly liveness: Liveness
  readonly loaded: boolean
  /** When our last renewal that was stored was sent; null before the first of this instance. */
  readonly renewedAt: number | null
  /** Says so in our lease, now. */
  setState(state: Exclude<LeaseState, 'dead'>): Promise<void>
  /** Looks for lost copies, and renews our lease at once, which may have little time left; called after a reconnect. */
  reconnected(): Promise<void>
  /** Ends our lease: nothing of this instance counts from then on. */
  leave(): Promise<void>
}

/** Takes a lease, `announcing`, and follows all others. */
export function joinFleet(options: FleetOptions): Fleet {
  const { control, leases, tier, nowMs, onChange, onSkipped, onRetry } = options
  const liveness = createLiveness(options.verdict)
  let state: Exclude<LeaseState, 'dead'> = 'announcing'
  /** The last instance of this process that was `up`. */
  let adopts: Instance | undefined
  const returns = createReturns(({ revision, sentMs }) => told(liveness.ownReturned(revision, sentMs, nowMs())))
  let loadedOnce = false

  const keeper = keepLease<Instance>({
    nats: control,
    stream: leases.stream,
    subjectOf: (instance) => leases.subject(leaseKey(tier, instance)),
    newInstance: options.newInstance,
    encode: () =>
      encoder.encode(encodeLease({ ...options.describe(), state, ...(adopts === undefined ? {} : { adopts }) })),
    isDead: (value) => {
      const lease = decodeLease(value)
      return lease !== null && lease !== 'newer' && lease.state === 'dead'
    },
    renewMs: LEASE_RENEW_MS,
    deadAfterMs: LEASE_TIMES.deadAfterMs,
    nowMs,
    onStored: returns.stored,
    onLost: (lost, next, over) => {
      // What others have seen to leave must not come back with what was written then: it may be long wrong.
      if (over) adopts = undefined
      else if (state !== 'announcing') adopts = lost
      state = state === 'draining' ? 'draining' : 'announcing'
      returns.clear()
      options.onLost(lost, next)
    },
    onRetry,
  })

  function told(change: LivenessChange): void {
    if (change.counting.length > 0 || change.routers) onChange(change)
  }

  function onEntry(subject: string, value: Uint8Array | null, revision: number): void {
    const key = leases.keyOf(subject)
    if (key === null) return
    const lease = value === null ? null : decodeLease(value)
    if (lease === 'newer') return onSkipped('newer')
    if (lease === null && value !== null) return onSkipped('malformed')
    told(liveness.put(key, revision, lease, nowMs()))
    if (key === leaseKey(tier, keeper.instance)) returns.copied(revision)
  }

  const follower: Follower = followBucket({
    nats: control,
    reads: options.reads,
    stream: leases.stream,
    stored: leases.subject(keyFilters.all()),
    copies: leases.followed(keyFilters.all()),
    onEntry,
    onStartOver: () => {
      liveness.startOver(nowMs())
      options.onStartOver()
    },
    onRead: () => {
      if (loadedOnce) return
      loadedOnce = true
      options.onLoaded()
    },
    onFault: (error) => onRetry(error.message),
  })

  return {
    get instance() {
      return keeper.instance
    },
    liveness,
    get loaded() {
      return follower.loaded
    },
    get renewedAt() {
      return keeper.renewedAt
    },
    async setState(next) {
      state = next
      await keeper.renew()
    },
    reconnected() {
      keeper.reconnected()
      return follower.check()
    },
    async leave() {
      follower.stop()
      await keeper.release()
    },
  }
}

interface StoredRenewal {
  readonly revision: number
  readonly sentMs: number
}

/** Renewals travel on two ways, as an acknowledgement and as a copy; whichever comes second completes the return. */
function createReturns(onReturn: (renewal: StoredRenewal) => void) {
  let copiedRevision = 0
  let pending: StoredRenewal | null = null
  function complete(): void {
    if (pending === null || copiedRevision !== pending.revision) return
    const renewal = pending
    pending = null
    onReturn(renewal)
  }
  return {
    stored(revision: number, sentMs: number): void {
      pending = { revision, sentMs }
      complete()
    },
    copied(revision: number): void {
      copiedRevision = revision
      complete()
    },
    clear(): void {
      copiedRevision = 0
      pending = null
    },
  }
}

const encoder = new TextEncoder()
