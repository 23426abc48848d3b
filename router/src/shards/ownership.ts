// Which shards a router holds: those that it owns by rendezvous hashing over live routers, and those that it has owned until their
// new owners have them. Pure: every router comes to the same from the leases alone, so that nobody has to be asked.
import { type Instance, type LeaseState, ownersOf, ROOM_SHARDS, type ShardScope, USER_SHARDS } from '@sluice/proto'
import { type ShardName, shardName } from './shard.ts'

/** A live router, as its lease tells. */
export interface LiveRouter {
  readonly instance: Instance
  readonly state: LeaseState
}

const SHARDS: Readonly<Record<ShardScope, number>> = { room: ROOM_SHARDS, user: USER_SHARDS }

/** The names of all shards. */
export const ALL_SHARDS: readonly { readonly name: ShardName; readonly scope: ShardScope; readonly shard: number }[] = (
  ['room', 'user'] as const
).flatMap((scope) =>
  Array.from({ length: SHARDS[scope] }, (_, shard) => ({ name: shardName(scope, shard), scope, shard })),
)

/** Owners of each shard. Those that are draining own nothing: the others take over from them. */
export function ownersByShard(routers: readonly LiveRouter[]): ReadonlyMap<ShardName, readonly Instance[]> {
  const eligible = routers.filter(({ state }) => state === 'up' || state === 'announcing')
  const instances = eligible.map(({ instance }) => instance)
  return new Map(ALL_SHARDS.map(({ name, scope, shard }) => [name, ownersOf(scope, shard, instances)]))
}

/** Whether a shard that we own no longer can be let go: each of its owners has said that all of its shards are loaded. */
export function canRelease(owners: readonly Instance[], routers: readonly LiveRouter[]): boolean {
  const up = new Set(routers.filter(({ state }) => state === 'up').map(({ instance }) => instance))
  return owners.length > 0 && owners.every((owner) => up.has(owner))
}

/**
 * Who may hold a shard, and tell its events: by the routers that have theirs loaded, with those that are draining and without them,
 * as these hold theirs until they leave.
 */
export function holdersOf(scope: ShardScope, shard: number, routers: readonly LiveRouter[]): ReadonlySet<Instance> {
  const loaded = routers.filter(({ state }) => state === 'up' || state === 'draining')
  const staying = loaded.filter(({ state }) => state === 'up')
  return new Set(
    [loaded, staying].flatMap((some) =>
      ownersOf(
        scope,
        shard,
        some.map(({ instance }) => instance),
      ),
    ),
  )
}

/** Those that have gone without having said that they would. */
export function crashedAmong(before: readonly LiveRouter[], now: readonly LiveRouter[]): readonly LiveRouter[] {
  const live = new Set(now.map(({ instance }) => instance))
  return before.filter(({ instance, state }) => !live.has(instance) && state !== 'draining')
}
