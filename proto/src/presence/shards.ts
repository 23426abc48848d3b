// Shards of presence: which shard a room or a user belongs to, and which two routers own a shard. Pure and the same everywhere:
// every process computes it from names and live leases alone, so nobody has to be asked.

/** Shards of rooms. Part of the bucket's name, so that a change is a new bucket. */
export const ROOM_SHARDS = 64

/** Shards of the directory of users: many more, so that a change rewrites a small chunk. */
export const USER_SHARDS = 1024

/** Routers that own each shard: one may be frozen while the other answers. */
export const SHARD_OWNERS = 2

/**
 * 32-bit FNV-1a.
 *
 * @param text - ASCII, as tokens are
 */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) {
    hash ^= text.charCodeAt(at)
    hash = Math.imul(hash, 0x01000193)
  }
  return hash >>> 0
}

/** The shard of a token. */
export function shardOf(token: string, shards: number): number {
  return fnv1a(token) % shards
}

/**
 * The owners of a shard by rendezvous hashing: when a router comes or goes, only the shards that it takes or had change hands.
 *
 * @param routers - instances of live routers, in any order
 * @returns the owner with the highest score first; fewer than {@link SHARD_OWNERS} if there are fewer routers
 */
export function ownersOf(kind: 'room' | 'user', shard: number, routers: readonly string[]): string[] {
  return routers
    .map((router) => ({ router, score: mix(fnv1a(`${kind}.${shard}.${router}`)) }))
    .sort((a, b) => b.score - a.score || (a.router < b.router ? -1 : 1))
    .slice(0, SHARD_OWNERS)
    .map(({ router }) => router)
}

/** Spreads the low bits of a hash over all of it: FNV alone ranks names that differ in their last character alike (murmur3's end). */
function mix(hash: number): number {
  let mixed = hash
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
