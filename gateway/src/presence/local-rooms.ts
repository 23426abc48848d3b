// Who is in the rooms of this gateway, for others to see: one member for each user, however many connections, and for a while those
// whose connection broke. Keeps the entries of each room in step; never writes them. Pure: time is passed in.
import {
  type Instance,
  memberText,
  type Room,
  type RoomName,
  roomEntryKey,
  roomEntryText,
  type UserName,
} from '@sluice/proto'
import { changeItem, createEntryGroup, type EntryGroup, isSpent } from './entry-group.ts'

/** A room with members here, or with entries that are still to be purged. */
export interface LocalRoom {
  readonly room: Room
  readonly group: EntryGroup
  readonly members: Map<UserName, LocalMember>
}

interface LocalMember {
  /** Open connections in the room. */
  connections: number
  /** When those that broke are given up, in monotonic milliseconds, the first first. Mostly none, so it is replaced, not changed. */
  lingering: readonly number[]
  info: unknown
}

/** How a connection has left a room. A clean leave is seen at once; what broke may come back. */
export type Departure = 'clean' | 'broken'

/** The members of all rooms of a gateway. */
export interface LocalRooms {
  /** A connection of the user has joined. It takes the place of one that broke, so that nothing is seen of either. */
  enter(room: Room, user: UserName, info: unknown): LocalRoom
  leave(local: LocalRoom, user: UserName, departure: Departure, nowMs: number): void
  /** What others see of a member has changed. */
  describe(local: LocalRoom, user: UserName, info: unknown): void
  /** Gives up what has lingered for long enough. */
  expire(nowMs: number): void
  /** Forgets a room whose entries are purged. */
  stored(group: EntryGroup): void
  find(name: RoomName): LocalRoom | undefined
  /** The entries of all rooms. */
  readonly groups: Iterable<EntryGroup>
  /** Rooms with members. */
  readonly count: number
  /** Connections that broke and are still shown. */
  readonly lingering: number
}

const NONE: readonly number[] = []

interface Lingering {
  readonly local: LocalRoom
  readonly user: UserName
  readonly untilMs: number
}

/**
 * @param lingerMs - how long a broken connection is still shown
 * @param onChange - the entries of a room have changed
 */
export function createLocalRooms(lingerMs: number, onChange: (group: EntryGroup) => void): LocalRooms {
  const rooms = new Map<RoomName, LocalRoom>()
  const byGroup = new Map<EntryGroup, LocalRoom>()
  /** In the order of their ends, as all linger equally long; entries that were overtaken stay in it until then. */
  let queue: Lingering[] = []
  let lingering = 0

  function hold(room: Room): LocalRoom {
    const known = rooms.get(room.name)
    if (known !== undefined) return known
    const keyOf = (instance: Instance, chunk: number): string => roomEntryKey({ room, instance, chunk })
    const local = { room, group: createEntryGroup({ keyOf, textOf: roomEntryText }), members: new Map() }
    rooms.set(room.name, local)
    byGroup.set(local.group, local)
    return local
  }

  function tell({ group, members }: LocalRoom, user: UserName): void {
    const member = members.get(user)
    const connections = member === undefined ? 0 : member.connections + member.lingering.length
    if (connections === 0) members.delete(user)
    const text = connections === 0 ? null : memberText({ user, info: member?.info, connections })
    if (changeItem(group, user, text)) onChange(group)
  }

  return {
    enter(room, user, info) {
      const local = hold(room)
      const member = local.members.get(user) ?? { connections: 0, lingering: NONE, info }
      local.members.set(user, member)
      if (member.lingering.length > 0) {
        member.lingering = member.lingering.slice(1)
        lingering--
      }
      member.connections++
      member.info = info
      tell(local, user)
      return local
    },
    leave(local, user, departure, nowMs) {
      const member = local.members.get(user)
      if (member === undefined || member.connections === 0) return
      member.connections--
      if (departure === 'broken' && lingerMs > 0) {
        const untilMs = nowMs + lingerMs
        member.lingering = member.lingering.concat(untilMs)
        queue.push({ local, user, untilMs })
        lingering++
      }
      tell(local, user)
    },
    describe(local, user, info) {
      const member = local.members.get(user)
      if (member === undefined) return
      member.info = info
      tell(local, user)
    },
    expire(nowMs) {
      const due = queue.findIndex(({ untilMs }) => untilMs > nowMs)
      const ended = due === -1 ? queue : queue.slice(0, due)
      if (ended.length === 0) return
      queue = due === -1 ? [] : queue.slice(due)
      for (const { local, user } of ended) {
        const member = local.members.get(user)
        if (member === undefined) continue
        const left = member.lingering.filter((endsMs) => endsMs > nowMs)
        lingering -= member.lingering.length - left.length
        member.lingering = left
        tell(local, user)
      }
    },
    stored(group) {
      const local = byGroup.get(group)
      if (local === undefined || local.members.size > 0 || !isSpent(group)) return
      rooms.delete(local.room.name)
      byGroup.delete(group)
    },
    find: (name) => rooms.get(name),
    groups: { [Symbol.iterator]: () => byGroup.keys() },
    get count() {
      let count = 0
      for (const { members } of rooms.values()) if (members.size > 0) count++
      return count
    },
    get lingering() {
      return lingering
    },
  }
}
