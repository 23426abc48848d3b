// Which entries nobody owns any more. Pure but for the memory that it is given.
import { type Instance, keyFilters, type Liveness } from '@sluice/proto'
import type { Shard } from '../shards/shard.ts'

/** What an instance has left in a shard. */
export interface LeftBehind {
  readonly shard: Shard
  readonly instance: Instance
}

/** One that has ended its lease has deleted its entries before; deletions are forgotten within this time. */
export const GONE_MS = 30_000

/**
 * An instance of which no lease is known for so long has none: leases come with their entries, and the bucket of leases keeps each
 * for an hour.
 */
export const UNKNOWN_MS = 3_600_000

/**
 * Entries of instances that are dead and adopted by none, and of those that have no lease, after a while.
 *
 * @param leaselessSince - since when instances have none; kept by the caller
 */
export function leftBehind(
  shards: readonly Shard[],
  liveness: Pick<Liveness, 'reapable' | 'stateOf' | 'countsAs'>,
  leaselessSince: Map<Instance, number>,
  nowMs: number,
): LeftBehind[] {
  const reapable = new Set(liveness.reapable.map(({ instance }) => instance))
  const known = new Map<Instance, boolean>()
  const leaseless = new Set<Instance>()

  function isLeft(instance: Instance): boolean {
    if (reapable.has(instance)) return true
    // One that was adopted counts as long as its adopter announces.
    if (liveness.countsAs(instance) !== null) return false
    const state = liveness.stateOf(instance)
    if (state !== 'gone' && state !== 'unknown') return false
    leaseless.add(instance)
    const since = leaselessSince.get(instance) ?? nowMs
    leaselessSince.set(instance, since)
    return nowMs - since >= (state === 'gone' ? GONE_MS : UNKNOWN_MS)
  }

  const left: LeftBehind[] = []
  for (const shard of shards) {
    for (const instance of shard.instances) {
      const is = known.get(instance) ?? isLeft(instance)
      known.set(instance, is)
      if (is) left.push({ shard, instance })
    }
  }
  for (const instance of leaselessSince.keys()) if (!leaseless.has(instance)) leaselessSince.delete(instance)
  return left
}

/** The keys that an instance has in a shard. */
export function purgeFilter({ scope, shard }: Shard, instance: Instance): string {
  return scope === 'room' ? keyFilters.instanceRooms(shard, instance) : keyFilters.instanceUsers(shard, instance)
}
