// Everything that is known of presence: a view for each room and one of all users, built from the entries that gateways have written.
// Owns which changes come out of an entry or a lease; what follows from them (events, limits) is told to whoever listens.
import {
  type Bucket,
  createRoomView,
  createUsersView,
  decodeRoomEntry,
  decodeUserEntry,
  type EventCause,
  type Instance,
  type MemberChange,
  parseRoomEntryKey,
  parseUserEntryKey,
  type Room,
  type RoomName,
  type RoomView,
  type SessionChange,
  type UsersView,
  type Versioned,
} from '@sluice/proto'

/** A room that somebody is in, or was. */
export interface ViewedRoom {
  readonly room: Room
  readonly shard: number
  readonly view: RoomView
}

/** Changes of one step. */
export interface PresenceListeners {
  readonly onMembers: (
    viewed: ViewedRoom,
    changes: readonly MemberChange[],
    countBefore: number,
    cause: EventCause | null,
  ) => void
  readonly onSessions: (changes: readonly SessionChange[], cause: EventCause | null) => void
  /** A value of a newer release, or one that can't be read, was skipped. */
  readonly onSkipped: (why: 'newer' | 'malformed') => void
}

/** The views of one router. */
export interface PresenceViews {
  readonly rooms: ReadonlyMap<RoomName, ViewedRoom>
  readonly users: UsersView
  /** The highest revision seen: what an answer is at least as new as. */
  readonly revision: number
  /** An entry was written, deleted, or read. */
  onEntry(subject: string, value: Uint8Array | null, revision: number): void
  /** Instances count, or count no longer. `cause` names the lease that says so. */
  recount(instances: readonly Instance[], cause: EventCause | null): void
  /** An instance is dead for good. */
  forget(instance: Instance): void
  /** The bucket is another: what is held stays until {@link PresenceViews.settle}. */
  startOver(): void
  settle(): void
  /** Instances that have entries here. */
  readonly instances: ReadonlySet<Instance>
}

const SKIPPED = Symbol('not understood')

/** Makes empty views. */
export function createPresenceViews(
  entries: Bucket,
  countsAs: (instance: Instance) => Instance | null,
  listeners: PresenceListeners,
): PresenceViews {
  const rooms = new Map<RoomName, ViewedRoom>()
  const users = createUsersView(countsAs)
  let revision = 0

  function tell(
    viewed: ViewedRoom,
    countBefore: number,
    changes: readonly MemberChange[],
    cause: EventCause | null,
  ): void {
    if (changes.length > 0) listeners.onMembers(viewed, changes, countBefore, cause)
    if (viewed.view.empty) rooms.delete(viewed.room.name)
  }

  function eachRoom(step: (view: RoomView) => MemberChange[], cause: EventCause | null): void {
    for (const viewed of [...rooms.values()]) {
      const { count } = viewed.view
      tell(viewed, count, step(viewed.view), cause)
    }
  }

  function putMembers(key: string, value: Uint8Array | null, at: number): boolean {
    const id = parseRoomEntryKey(key)
    if (id === null) return false
    const members = readEntry(value, decodeRoomEntry, listeners.onSkipped)
    if (members === SKIPPED) return true
    let viewed = rooms.get(id.room.name)
    if (viewed === undefined) {
      viewed = { room: id.room, shard: id.shard, view: createRoomView(countsAs) }
      rooms.set(id.room.name, viewed)
    }
    const { count } = viewed.view
    tell(viewed, count, viewed.view.put(id, at, members), null)
    return true
  }

  function putUsers(key: string, value: Uint8Array | null, at: number): boolean {
    const id = parseUserEntryKey(key)
    if (id === null) return false
    const online = readEntry(value, decodeUserEntry, listeners.onSkipped)
    if (online === SKIPPED) return true
    const changes = users.put(id, at, online)
    if (changes.length > 0) listeners.onSessions(changes, null)
    return true
  }

  return {
    rooms,
    users,
    get revision() {
      return revision
    },
    onEntry(subject, value, at) {
      const key = entries.keyOf(subject)
      revision = Math.max(revision, at)
      if (key !== null && (putMembers(key, value, at) || putUsers(key, value, at))) return
      listeners.onSkipped('malformed')
    },
    recount(instances, cause) {
      const affected = new Set(instances)
      for (const viewed of [...rooms.values()]) {
        if (![...viewed.view.instances].some((instance) => affected.has(instance))) continue
        const { count } = viewed.view
        tell(viewed, count, viewed.view.recount(), cause)
      }
      const changes = users.recount()
      if (changes.length > 0) listeners.onSessions(changes, cause)
    },
    forget(instance) {
      eachRoom((view) => view.forget(instance), null)
      const changes = users.forget(instance)
      if (changes.length > 0) listeners.onSessions(changes, null)
    },
    startOver() {
      for (const { view } of rooms.values()) view.startOver()
      users.startOver()
    },
    settle() {
      eachRoom((view) => view.settle(), null)
      const changes = users.settle()
      if (changes.length > 0) listeners.onSessions(changes, null)
    },
    get instances() {
      const found = new Set<Instance>(users.instances)
      for (const { view } of rooms.values()) for (const instance of view.instances) found.add(instance)
      return found
    },
  }
}

/** The value of an entry, null for a deleted one. */
function readEntry<value>(
  bytes: Uint8Array | null,
  decode: (bytes: Uint8Array) => Versioned<value>,
  onSkipped: PresenceListeners['onSkipped'],
): value | null | typeof SKIPPED {
  const decoded = bytes === null ? null : decode(bytes)
  if (decoded !== 'newer' && (decoded !== null || bytes === null)) return decoded as value | null
  onSkipped(decoded === 'newer' ? 'newer' : 'malformed')
  return SKIPPED
}
