// Leases as followers of presence need them: a lease table, and what its changes mean for the instances that count. Each change
// names the instances whose counting changed; the caller recounts the views that hold entries of theirs. Pure.
import { type CountedLease, countingOf } from './counting.ts'
import { type Instance, leaseKey, parseLeaseKey, type Tier } from './keys.ts'
import { createLeaseTable, LEASE_TIMES, type Lease, type LeaseTimes } from './lease-table.ts'
import type { LeaseValue } from './values.ts'

/**
 * Who decides that an instance no longer counts. A gateway judges for itself, so that its members' views are right with no router
 * alive. A router waits until a router has written `dead`, which is final and seen by all in one order: so no event is
 * taken back, and two owners name the same cause.
 */
export type Verdict = 'judged' | 'written'

/** A lease with its owner. */
export interface Live extends Lease<LeaseValue> {
  readonly tier: Tier
  readonly instance: Instance
}

/** What a step has changed. */
export interface LivenessChange {
  /** Instances of gateways whose counting has changed: views that hold entries of theirs are to be counted again. */
  readonly counting: readonly Instance[]
  /** Whether a router has come, gone, fallen silent, or changed its state: ownership of shards is to be judged again. */
  readonly routers: boolean
}

/** What one process knows of the leases of all. */
export interface Liveness {
  /**
   * A lease was written or deleted, or read at load.
   *
   * @param value - null if it was deleted
   */
  put(key: string, revision: number, value: LeaseValue | null, nowMs: number): LivenessChange
  /**
   * A renewal of our own has come back on the subscription, after {@link Liveness.put} was told of it.
   *
   * @param sentMs - when it was sent
   */
  ownReturned(revision: number, sentMs: number, nowMs: number): LivenessChange
  /** See {@link LeaseTable.startOver}. It happens by itself when a renewal of our own returns with a lower revision than the last. */
  startOver(nowMs: number): void
  /** Under which instance one counts, null if it does not: what the views ask. */
  countsAs(instance: Instance): Instance | null
  /** Leases that were judged and are not yet `dead`: for a router, which declares them dead by compare-and-set, until one has. */
  readonly silent: readonly Live[]
  /** `dead`, and adopted by none: a router may purge the entries of such an instance, and then its lease. */
  readonly reapable: readonly Live[]
  /** Instances that count, but not for the limit of connections. */
  readonly draining: ReadonlySet<Instance>
  /** Live leases of a tier, sorted by instance: neither `dead` nor silent. */
  live(tier: Tier): readonly Live[]
  /** `unknown` is an instance whose lease may still be under way; `gone` one whose lease was deleted. */
  stateOf(instance: Instance): 'live' | 'silent' | 'dead' | 'gone' | 'unknown'
}

/** For how long what an instance has adopted counts on after it is `up`: leases and entries travel on two connections. */
export const ADOPTION_SETTLE_MS = 2000

/** Makes an empty one. */
export function createLiveness(verdict: Verdict, times: LeaseTimes = LEASE_TIMES): Liveness {
  const table = createLeaseTable<LeaseValue>(times)
  /** When those that have adopted another were seen `up`. */
  const settling = new Map<Instance, number>()
  const all = () => [...table.leases].flatMap(ownedLease)
  let counting = new Map<Instance, Instance>()
  let routers = ''
  let ownRevision = 0

  /** Counts again, and compares with what was. */
  function change(): LivenessChange {
    const before = { counting, routers }
    counting = countingOf(
      all()
        .filter(({ tier, silent }) => tier === 'gateway' && !(silent && verdict === 'judged'))
        .map(({ instance, value }): CountedLease => ({ instance, value, settling: settling.has(instance) })),
    )
    routers = liveOf('router', all())
      .map(({ instance, value }) => `${instance}.${value.state}`)
      .join()
    const named = new Set([...before.counting.keys(), ...counting.keys()])
    return {
      counting: [...named].filter((instance) => before.counting.get(instance) !== counting.get(instance)),
      routers: before.routers !== routers,
    }
  }

  return {
    put(key, revision, value, nowMs) {
      const owner = parseLeaseKey(key)
      const before = table.get(key)
      if (owner === null) return UNCHANGED
      if (value === null) return table.gone(key, revision) && before !== undefined ? change() : UNCHANGED
      if (!table.renewed(key, value, revision, nowMs)) return UNCHANGED
      const was = before?.value
      if (was?.state === 'announcing' && value.state !== 'announcing') settling.set(owner.instance, nowMs)
      const same = was?.state === value.state && was.adopts === value.adopts && before?.silent === false
      return same ? UNCHANGED : change()
    },
    ownReturned(revision, sentMs, nowMs) {
      const again = revision < ownRevision
      ownRevision = revision
      if (again) {
        table.startOver(nowMs)
        return UNCHANGED
      }
      const judged = table.ownReturned(sentMs, nowMs)
      const settled = [...settling].filter(([, sinceMs]) => nowMs - sinceMs >= ADOPTION_SETTLE_MS)
      for (const [instance] of settled) settling.delete(instance)
      return judged || settled.length > 0 ? change() : UNCHANGED
    },
    startOver: table.startOver,
    countsAs: (instance) => counting.get(instance) ?? null,
    get silent() {
      return all().filter(({ silent, value }) => silent && value.state !== 'dead')
    },
    get reapable() {
      return all().filter(({ instance, value }) => value.state === 'dead' && !counting.has(instance))
    },
    get draining() {
      const leaving = all().filter(({ tier, value }) => tier === 'gateway' && value.state === 'draining')
      return new Set(leaving.map(({ instance }) => instance))
    },
    live: (tier) => liveOf(tier, all()),
    stateOf(instance) {
      const key = leaseKey('gateway', instance)
      const lease = table.get(key)
      if (lease === undefined) return table.isGone(key) ? 'gone' : 'unknown'
      if (lease.value.state === 'dead') return 'dead'
      return lease.silent ? 'silent' : 'live'
    },
  }
}

const UNCHANGED: LivenessChange = { counting: [], routers: false }

function liveOf(tier: Tier, leases: readonly Live[]): Live[] {
  return leases
    .filter((lease) => lease.tier === tier && !lease.silent && lease.value.state !== 'dead')
    .sort((a, b) => (a.instance < b.instance ? -1 : 1))
}

function ownedLease(lease: Lease<LeaseValue>): Live[] {
  const owner = parseLeaseKey(lease.key)
  return owner === null ? [] : [{ ...lease, ...owner }]
}
