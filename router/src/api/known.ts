// What answers are made of: the shards that are loaded here, and the leases of gateways.
import type { Live } from '@sluice/proto'
import type { RoomShard } from '../shards/room-shard.ts'
import type { UserShard } from '../shards/user-shard.ts'

/** What this router knows at the moment. */
export interface Known {
  /** Null for a shard that is not held here, or not loaded yet. */
  room(shard: number): RoomShard | null
  user(shard: number): UserShard | null
  /** Live gateways. */
  gateways(): readonly Live[]
  /** Whether a shard is held here, loaded or not. */
  holds(scope: 'room' | 'user', shard: number): boolean
  /** False for the moment after a break in which changes may have been missed. */
  readonly fresh: boolean
}
