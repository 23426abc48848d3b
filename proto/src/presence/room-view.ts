// Who is in a room: the entries of all gateways whose lease lives, merged. Joins and leaves are the difference between two views,
// so a duplicate or a replay can't double an event. Pure; the one module by which both tiers see a room.
import type { UserName } from '../names.ts'
import { Entries, type Shift } from './entries.ts'
import type { Instance } from './keys.ts'
import type { Mention } from './mention-index.ts'
import type { EntryMember } from './values.ts'

/** A member as everyone sees it. */
export interface ViewMember {
  readonly user: UserName
  /** As the newest entry tells it; absent if the token has none. */
  readonly info?: unknown
  /** Connections of the user in the room, on all gateways. */
  readonly connections: number
}

/** Someone has joined or left. */
export interface MemberChange {
  readonly kind: 'joined' | 'left'
  /** As it is now, or as it was. */
  readonly member: ViewMember
  /** The highest revision among the entries that changed for the member: what makes the event recognisable. */
  readonly revision: number
  /** The highest revision that the view was told: orders the events of a member. */
  readonly asOf: number
  /** The instances whose entries changed for the member, sorted. */
  readonly instances: readonly Instance[]
}

/** Names an entry within a room. */
export interface RoomChunk {
  readonly instance: Instance
  readonly chunk: number
}

/** A room as one process sees it. What its steps mean is told at {@link Entries}. */
export interface RoomView {
  /** An entry was written, deleted (null), or read at load: nothing for a revision that is not above the one held. */
  put(id: RoomChunk, revision: number, members: readonly EntryMember[] | null): MemberChange[]
  /** The instances that count have changed. */
  recount(): MemberChange[]
  /** Forgets the entries of an instance that is dead for good. */
  forget(instance: Instance): MemberChange[]
  /** The bucket has begun anew: what is held stays until it is written again. */
  startOver(): void
  /** Drops what was not written again since then. */
  settle(): MemberChange[]
  /** Forgets deletions up to a revision, once no read that began before them is under way. */
  prune(revision: number): void
  get(user: string): ViewMember | null
  readonly members: Iterable<ViewMember>
  /** Members, not connections. */
  readonly count: number
  readonly connections: number
  /** The revision held of an entry or of its deletion; 0 if none. */
  revisionOf(id: RoomChunk): number
  readonly instances: Iterable<Instance>
  /** Whether nothing is held, counting or not: it can be dropped. */
  readonly empty: boolean
}

/**
 * Makes an empty view.
 *
 * @param countsAs - under which instance one counts at this moment, null if it does not: {@link Liveness.countsAs}
 */
export function createRoomView(countsAs: (instance: Instance) => Instance | null): RoomView {
  const entries = new Entries<EntryMember, ViewMember>({ userOf: ({ user }) => user, merge, countsAs })
  let count = 0
  let connections = 0

  function changesOf(shifts: readonly Shift<ViewMember>[]): MemberChange[] {
    const changes: MemberChange[] = []
    for (const { was, is, revision, asOf, instances } of shifts) {
      connections += (is?.connections ?? 0) - (was?.connections ?? 0)
      const member = is ?? was
      if (member === null || (was !== null && is !== null)) continue
      count += is === null ? -1 : 1
      changes.push({ kind: is === null ? 'left' : 'joined', member, revision, asOf, instances })
    }
    return changes
  }

  return {
    put: ({ instance, chunk }, revision, members) => changesOf(entries.put(instance, String(chunk), revision, members)),
    recount: () => changesOf(entries.recount()),
    forget: (instance) => changesOf(entries.forget(instance)),
    startOver: () => entries.startOver(),
    settle: () => changesOf(entries.settle()),
    prune: (revision) => entries.prune(revision),
    get: (user) => entries.get(user),
    get members() {
      return membersOf(entries.users)
    },
    get count() {
      return count
    },
    get connections() {
      return connections
    },
    revisionOf: ({ instance, chunk }) => entries.revisionOf(instance, String(chunk)),
    get instances() {
      return entries.instances
    },
    get empty() {
      return entries.empty
    },
  }
}

function* membersOf(users: Iterable<readonly [string, ViewMember]>): Generator<ViewMember> {
  for (const [, member] of users) yield member
}

/** Gateways add up; entries of one gateway, by its present and its former instance, name the same connections. */
function merge(_: string, mentions: readonly Mention<EntryMember>[]): ViewMember {
  const ofGateway = new Map<Instance, number>()
  for (const { item, as } of mentions) ofGateway.set(as, Math.max(ofGateway.get(as) ?? 0, item.connections))
  const { item } = mentions.reduce((newest, other) => (other.revision > newest.revision ? other : newest))
  const { user, info } = item
  const connections = [...ofGateway.values()].reduce((sum, count) => sum + count, 0)
  return { user, ...(info === undefined ? {} : { info }), connections }
}
