// Which shards this router owns: it answers for them, tells their events and holds their limits, beside one other router. Judged from
// live leases alone, so that nobody has to be asked.
import { type Instance, type Live, ownersOf } from '@sluice/proto'

/** What this router owns. */
export interface Ownership {
  owns(kind: 'room' | 'user', shard: number): boolean
  /** How many shards of a kind. */
  count(kind: 'room' | 'user', shards: number): number
}

/**
 * @param self - our instance
 * @param routers - live routers; those that are draining own nothing, unless all are
 */
export function createOwnership(self: Instance, routers: readonly Live[]): Ownership {
  const staying = routers.filter(({ value }) => value.state !== 'draining')
  const owners = (staying.length > 0 ? staying : routers).map(({ instance }) => instance)
  const known = new Map<string, boolean>()
  const owns = (kind: 'room' | 'user', shard: number): boolean => {
    const key = `${kind}.${shard}`
    const owned = known.get(key) ?? ownersOf(kind, shard, owners).includes(self)
    known.set(key, owned)
    return owned
  }
  return {
    owns,
    count: (kind, shards) => Array.from({ length: shards }, (_, shard) => owns(kind, shard)).filter(Boolean).length,
  }
}
