// The shards that this router holds: follows those that it owns, lets go of others once their new owners have them, and knows what
// is loaded. Decides by ownership.ts; what entries mean is the shards'.
import type { Instance, ShardScope } from '@sluice/proto'
import { ALL_SHARDS, canRelease, crashedAmong, holdersOf, type LiveRouter, ownersByShard } from './ownership.ts'
import type { RoomShard } from './room-shard.ts'
import { type Shard, type ShardName, shardName } from './shard.ts'
import type { ShardFeed } from './shard-feed.ts'
import type { UserShard } from './user-shard.ts'

/** See {@link createShardSet}. */
export interface ShardSetOptions {
  readonly feed: Pick<ShardFeed, 'follow'>
  readonly createRoomShard: (shard: number) => RoomShard
  readonly createUserShard: (shard: number) => UserShard
  readonly nowMs: () => number
  /**
   * A shard is loaded: from now on its changes are told.
   *
   * @param covered - whether one that still lives has told them until now
   */
  readonly onLoaded: (shard: RoomShard | UserShard, covered: boolean) => void
  /** Changes of a loaded shard may have been told by nobody: the only other holder had died before we knew. */
  readonly onDoubt: (shard: RoomShard | UserShard) => void
}

/** A shard that is held. */
interface Held<S> {
  readonly shard: S
  readonly following: { stop(): void }
  owned: boolean
  covered: boolean
  /** Null before. */
  loadedAtMs: number | null
}

/** The shards of one router. */
export interface ShardSet {
  /** Routers have come, gone, or changed their state. */
  judge(self: Instance, routers: readonly LiveRouter[]): void
  /** Lets go of shards that others have taken over; called now and then, as states take time to be told. */
  release(): void
  /** While true, nothing is let go: this router answers until it leaves. */
  draining: boolean
  /** A loaded shard of rooms, owned or still held; null for any other. */
  room(shard: number): RoomShard | null
  /** The same of users. */
  user(shard: number): UserShard | null
  /** Whether a shard is held, loaded or not. */
  holds(scope: ShardScope, shard: number): boolean
  isLoaded(scope: ShardScope, shard: number): boolean
  /** All that are held, loaded or not. */
  readonly held: Iterable<RoomShard | UserShard>
  readonly rooms: Iterable<RoomShard>
  readonly users: Iterable<UserShard>
  /** Whether every shard that we own is loaded, and it is known which these are. */
  readonly allLoaded: boolean
  owned(scope: ShardScope): number
  /** Stops following. */
  stop(): void
}

/** A router that has died is noticed within 12.5 s: what was loaded by then may have been loaded after it told its last event. */
const DOUBT_MS = 15_000
/** States of routers that were told at once must have come before a shard is let go. */
const RELEASE_AFTER_MS = 1000

/** Makes an empty one. */
export function createShardSet(options: ShardSetOptions): ShardSet {
  return new Shards(options)
}

class Shards implements ShardSet {
  readonly #options: ShardSetOptions
  readonly #rooms = new Map<ShardName, Held<RoomShard>>()
  readonly #users = new Map<ShardName, Held<UserShard>>()
  #routers: readonly LiveRouter[] | null = null
  #owners: ReturnType<typeof ownersByShard> = new Map()
  #judgedAtMs = 0
  /** Whether our own lease is among the live ones. */
  #known = false
  /** Names that this process has had. */
  readonly #selves = new Set<Instance>()
  draining = false

  constructor(options: ShardSetOptions) {
    this.#options = options
  }

  judge(self: Instance, now: readonly LiveRouter[]): void {
    const before = this.#routers ?? now
    this.#routers = now
    this.#selves.add(self)
    this.#known = now.some(({ instance }) => instance === self)
    this.#judgedAtMs = this.#options.nowMs()
    this.#owners = ownersByShard(now)
    const live = new Set(now.map(({ instance }) => instance))
    for (const { name, scope, shard } of ALL_SHARDS) {
      const owned = this.#owners.get(name)?.includes(self) === true
      const held = this.#held(name)
      if (held !== undefined) held.owned = owned
      else if (owned) {
        const covered = this.#othersOf(scope, shard, before).some((holder) => live.has(holder))
        this.#acquire(name, scope, shard, covered)
      }
    }
    const crashed = crashedAmong(before, now).filter(({ instance }) => !this.#selves.has(instance))
    if (crashed.length > 0) this.#doubt(before, live)
  }

  release(): void {
    if (this.draining || this.#options.nowMs() - this.#judgedAtMs < RELEASE_AFTER_MS) return
    for (const { name } of ALL_SHARDS) {
      const held = this.#held(name)
      if (held === undefined || held.owned || !canRelease(this.#owners.get(name) ?? [], this.#routers ?? [])) continue
      held.following.stop()
      this.#rooms.delete(name)
      this.#users.delete(name)
    }
  }

  room(shard: number): RoomShard | null {
    return loadedOf(this.#rooms.get(shardName('room', shard)))
  }

  user(shard: number): UserShard | null {
    return loadedOf(this.#users.get(shardName('user', shard)))
  }

  holds(scope: ShardScope, shard: number): boolean {
    return this.#held(shardName(scope, shard)) !== undefined
  }

  isLoaded(scope: ShardScope, shard: number): boolean {
    return (scope === 'room' ? this.room(shard) : this.user(shard)) !== null
  }

  get held(): Iterable<RoomShard | UserShard> {
    return [...this.rooms, ...this.users]
  }

  get rooms(): Iterable<RoomShard> {
    return [...this.#rooms.values()].map(({ shard }) => shard)
  }

  get users(): Iterable<UserShard> {
    return [...this.#users.values()].map(({ shard }) => shard)
  }

  get allLoaded(): boolean {
    // Before our own lease is seen we own nothing, and that is no state to be ready in.
    if (!this.#known) return false
    return [...this.#rooms.values(), ...this.#users.values()].every(
      ({ owned, loadedAtMs }) => !owned || loadedAtMs !== null,
    )
  }

  owned(scope: ShardScope): number {
    const held: Iterable<Held<unknown>> = scope === 'room' ? this.#rooms.values() : this.#users.values()
    return [...held].filter(({ owned }) => owned).length
  }

  stop(): void {
    for (const { following } of [...this.#rooms.values(), ...this.#users.values()]) following.stop()
  }

  #held(name: ShardName): Held<Shard> | undefined {
    return this.#rooms.get(name) ?? this.#users.get(name)
  }

  #acquire(name: ShardName, scope: ShardScope, number: number, covered: boolean): void {
    const { createRoomShard, createUserShard } = this.#options
    if (scope === 'room') this.#rooms.set(name, this.#follow(name, createRoomShard(number), covered))
    else this.#users.set(name, this.#follow(name, createUserShard(number), covered))
  }

  #follow<S extends RoomShard | UserShard>(name: ShardName, shard: S, covered: boolean): Held<S> {
    const { feed, nowMs, onLoaded } = this.#options
    const following = feed.follow({
      name,
      onEntry: (key, value, revision) => shard.put(key, value, revision),
      onRead: (fence, readUpTo) => {
        shard.read(fence)
        shard.prune(readUpTo)
        if (held.loadedAtMs !== null) return
        held.loadedAtMs = nowMs()
        onLoaded(shard, held.covered)
      },
    })
    const held: Held<S> = { shard, following, owned: true, covered, loadedAtMs: null }
    return held
  }

  /** Routers have crashed: shards that they alone told of until lately may have changed between their end and our load. */
  #doubt(before: readonly LiveRouter[], live: ReadonlySet<Instance>): void {
    const nowMs = this.#options.nowMs()
    for (const held of [...this.#rooms.values(), ...this.#users.values()]) {
      const others = this.#othersOf(held.shard.scope, held.shard.shard, before)
      if (others.length === 0 || others.some((holder) => live.has(holder))) continue
      if (held.loadedAtMs === null) held.covered = false
      else if (nowMs - held.loadedAtMs < DOUBT_MS) this.#options.onDoubt(held.shard)
    }
  }

  /** Others that may hold a shard. */
  #othersOf(scope: ShardScope, shard: number, routers: readonly LiveRouter[]): Instance[] {
    return [...holdersOf(scope, shard, routers)].filter((holder) => !this.#selves.has(holder))
  }
}

function loadedOf<S>(held: Held<S> | undefined): S | null {
  return held === undefined || held.loadedAtMs === null ? null : held.shard
}
