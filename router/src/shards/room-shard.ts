// The rooms of one shard: a view for each, which rooms an instance has entries in, and which rooms a user is in. Tells changes as
// they come; what follows from them is the listener's.
import {
  createRoomView,
  decodeRoomEntry,
  type Instance,
  type MemberChange,
  parseRoomEntryKey,
  type Room,
  type RoomName,
  type RoomView,
  type UserName,
} from '@sluice/proto'
import { readEntry } from './read-entry.ts'
import type { Cause, Shard } from './shard.ts'
import { SortedNames } from './sorted-names.ts'

/** A room that somebody is in, or was. */
export interface HeldRoom {
  readonly room: Room
  readonly view: RoomView
}

/** What one step has changed in a room. */
export interface RoomStep {
  readonly shard: number
  readonly held: HeldRoom
  /** At least one. */
  readonly changes: readonly MemberChange[]
  /** Members before it; the view has those after it. */
  readonly countBefore: number
  readonly cause: Cause
}

/** See {@link createRoomShard}. */
export interface RoomShardOptions {
  readonly shard: number
  readonly countsAs: (instance: Instance) => Instance | null
  readonly onStep: (step: RoomStep) => void
  /** A value of a newer release, or one that can't be read, was skipped. */
  readonly onSkipped: (why: 'newer' | 'malformed') => void
}

/** The rooms of a shard. */
export interface RoomShard extends Shard {
  /** Rooms by name, some of them empty for the moment. */
  readonly rooms: ReadonlyMap<RoomName, HeldRoom>
  /** The rooms that a user is in, in no order. */
  roomsOf(user: UserName): Iterable<RoomName>
  /** The occupied rooms of a namespace whose names are above a text, in order. */
  occupiedAfter(namespace: string, after: string): Iterable<RoomName>
  /** Members of all rooms. */
  readonly members: number
}

/** Makes an empty one. */
export function createRoomShard(options: RoomShardOptions): RoomShard {
  return new Rooms(options)
}

class Rooms implements RoomShard {
  readonly scope = 'room'
  readonly shard: number
  readonly rooms = new Map<RoomName, HeldRoom>()
  readonly #options: RoomShardOptions
  readonly #roomsOfUser = new Map<UserName, Set<RoomName>>()
  /** By namespace; those are few. */
  readonly #occupied = new Map<string, SortedNames<RoomName>>()
  /** Rooms in which an instance has, or had, entries. */
  readonly #roomsOfInstance = new Map<Instance, Set<HeldRoom>>()
  /** The last deletion that is still remembered, of an instance in a room. */
  readonly #deletions = new Map<Instance, Map<HeldRoom, number>>()
  members = 0
  revision = 0

  constructor(options: RoomShardOptions) {
    this.#options = options
    this.shard = options.shard
  }

  put(key: string, value: Uint8Array | null, revision: number): void {
    const id = parseRoomEntryKey(key)
    this.revision = Math.max(this.revision, revision)
    const read = readEntry(value, decodeRoomEntry)
    if (id === null || 'skipped' in read) {
      this.#options.onSkipped('skipped' in read ? read.skipped : 'malformed')
      return
    }
    const held = this.#held(id.room)
    if (read.items === null) this.#noteDeletion(id.instance, held, revision)
    else note(this.#roomsOfInstance, id.instance, held)
    this.#step(held, null, ({ view }) => view.put(id, revision, read.items))
  }

  recount(instances: readonly Instance[], cause: Cause): void {
    const touched = new Set(instances.flatMap((instance) => [...(this.#roomsOfInstance.get(instance) ?? [])]))
    for (const held of touched) this.#step(held, cause, ({ view }) => view.recount())
  }

  forget(instance: Instance): void {
    const touched = new Set([
      ...(this.#roomsOfInstance.get(instance) ?? []),
      ...(this.#deletions.get(instance)?.keys() ?? []),
    ])
    for (const held of touched) this.#step(held, null, ({ view }) => view.forget(instance))
    this.#roomsOfInstance.delete(instance)
    this.#deletions.delete(instance)
  }

  startOver(): void {
    this.revision = 0
    for (const { view } of this.rooms.values()) view.startOver()
  }

  settle(): void {
    for (const held of [...this.rooms.values()]) this.#step(held, null, ({ view }) => view.settle())
    for (const [instance, rooms] of this.#roomsOfInstance) this.#drop(instance, [...rooms])
  }

  prune(revision: number): void {
    for (const [instance, deletions] of this.#deletions) {
      const old = [...deletions].filter(([, at]) => at <= revision).map(([held]) => held)
      for (const held of old) {
        this.#step(held, null, ({ view }) => pruned(view, revision))
        deletions.delete(held)
      }
      if (deletions.size === 0) this.#deletions.delete(instance)
      this.#drop(instance, old)
    }
  }

  read(fence: number): void {
    this.revision = Math.max(this.revision, fence)
  }

  roomsOf(user: UserName): Iterable<RoomName> {
    return this.#roomsOfUser.get(user) ?? []
  }

  occupiedAfter(namespace: string, after: string): Iterable<RoomName> {
    return this.#occupied.get(namespace)?.after(after) ?? []
  }

  get instances(): Iterable<Instance> {
    return this.#roomsOfInstance.keys()
  }

  #held(room: Room): HeldRoom {
    const known = this.rooms.get(room.name)
    if (known !== undefined) return known
    const held = { room, view: createRoomView(this.#options.countsAs) }
    this.rooms.set(room.name, held)
    return held
  }

  #step(held: HeldRoom, cause: Cause, step: (held: HeldRoom) => MemberChange[]): void {
    const countBefore = held.view.count
    const changes = step(held)
    this.members += held.view.count - countBefore
    if ((countBefore === 0) !== (held.view.count === 0)) this.#list(held)
    for (const { kind, member } of changes) this.#index(kind, member.user, held.room.name)
    if (changes.length > 0) this.#options.onStep({ shard: this.shard, held, changes, countBefore, cause })
    if (held.view.empty) this.rooms.delete(held.room.name)
  }

  #index(kind: MemberChange['kind'], user: UserName, room: RoomName): void {
    if (kind === 'joined') return note(this.#roomsOfUser, user, room)
    const rooms = this.#roomsOfUser.get(user)
    rooms?.delete(room)
    if (rooms?.size === 0) this.#roomsOfUser.delete(user)
  }

  #list({ room: { namespace, name }, view }: HeldRoom): void {
    const names = this.#occupied.get(namespace) ?? new SortedNames()
    this.#occupied.set(namespace, names)
    if (view.count > 0) names.add(name)
    else names.delete(name)
    if (names.size === 0) this.#occupied.delete(namespace)
  }

  #noteDeletion(instance: Instance, held: HeldRoom, revision: number): void {
    const deletions = this.#deletions.get(instance)
    if (deletions === undefined) this.#deletions.set(instance, new Map([[held, revision]]))
    else deletions.set(held, Math.max(revision, deletions.get(held) ?? 0))
  }

  /** Forgets that an instance has entries in rooms where it has none any more. */
  #drop(instance: Instance, rooms: readonly HeldRoom[]): void {
    const indexed = this.#roomsOfInstance.get(instance)
    for (const held of rooms) if (!new Set(held.view.instances).has(instance)) indexed?.delete(held)
    if (indexed?.size === 0) this.#roomsOfInstance.delete(instance)
  }
}

function note<key, value>(index: Map<key, Set<value>>, key: key, value: value): void {
  const values = index.get(key)
  if (values === undefined) index.set(key, new Set([value]))
  else values.add(value)
}

function pruned(view: RoomView, revision: number): MemberChange[] {
  view.prune(revision)
  return []
}
