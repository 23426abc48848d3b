// What a shard is to whoever keeps, follows and cleans it, be it of rooms or of users. Its meaning is in room-shard.ts and
// user-shard.ts.
import type { EventCause, Instance, ShardScope } from '@sluice/proto'

/** Names a shard: `room.12`. Keys of its entries begin so. */
export type ShardName = `${ShardScope}.${number}`

/** See {@link ShardName}. */
export function shardName(scope: ShardScope, shard: number): ShardName {
  return `${scope}.${shard}`
}

/** What made instances count, or count no longer, for one change of a view; null where an entry did. */
export type CauseOf = (instances: readonly Instance[], revision: number) => EventCause

/** What one step on a shard was caused by: entries, which name their own revisions, or leases. */
export type Cause = CauseOf | null

/** One shard's views. */
export interface Shard {
  readonly scope: ShardScope
  readonly shard: number
  /**
   * An entry was written, deleted (null), or read.
   *
   * @param key - one of this shard
   */
  put(key: string, value: Uint8Array | null, revision: number): void
  /** These instances count, or count no longer. */
  recount(instances: readonly Instance[], cause: CauseOf): void
  /** An instance is dead for good, and what it left is purged. */
  forget(instance: Instance): void
  /** The bucket is another: what is held stays until it is written again, or {@link Shard.settle}. */
  startOver(): void
  settle(): void
  /** Forgets deletions up to a revision: no read brings anything older back. */
  prune(revision: number): void
  /** Instances that have entries here. */
  readonly instances: Iterable<Instance>
  /** Everything that was written up to this revision was put. */
  read(fence: number): void
  /** Everything that was written here up to this revision is known, as far as no copy was lost. */
  readonly revision: number
}
