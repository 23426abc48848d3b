// Which users are online, and by which connections: the entries of the directory of all gateways whose lease lives, merged.
// What changes is told by session; a user is online while it has one. Pure; one view may hold one shard or all.
import { type GatewayId, parseSession, type SessionId, type UserName } from '../names.ts'
import { Entries, type Shift } from './entries.ts'
import type { Instance, UserEntryId } from './keys.ts'
import type { Mention } from './mention-index.ts'
import type { EntryUser } from './values.ts'

/** A connection of a user as everyone sees it. */
export interface UserSession {
  readonly session: SessionId
  /** The gateway of the session's name: where control reaches it. */
  readonly gateway: GatewayId
  /** When it signed in, in milliseconds of Unix time by its gateway's clock. */
  readonly since: number
  /** The instance under which it counts. */
  readonly instance: Instance
}

/** A connection has come or gone. */
export interface SessionChange {
  readonly kind: 'connected' | 'disconnected'
  readonly user: UserName
  readonly session: UserSession
  /** Sessions of the user before the step: with 0, a `connected` brought the user online. */
  readonly connectionsBefore: number
  /** Sessions of the user after the step: with 0, the user is offline. */
  readonly connections: number
  /** See {@link MemberChange.revision}. */
  readonly revision: number
  /** See {@link MemberChange.asOf}. */
  readonly asOf: number
  readonly instances: readonly Instance[]
}

/** The directory as one process sees it. What its steps mean is told at {@link Entries}. */
export interface UsersView {
  /** An entry was written, deleted (null), or read at load: nothing for a revision that is not above the one held. */
  put(id: UserEntryId, revision: number, users: readonly EntryUser[] | null): SessionChange[]
  /** The instances that count have changed. */
  recount(): SessionChange[]
  /** Forgets the entries of an instance that is dead for good. */
  forget(instance: Instance): SessionChange[]
  /** The bucket has begun anew: what is held stays until it is written again. */
  startOver(): void
  /** Drops what was not written again since then. */
  settle(): SessionChange[]
  /** Forgets deletions up to a revision, once no read that began before them is under way. */
  prune(revision: number): void
  /** Oldest first; of the same millisecond, by gateway and number. Empty for a user who is not online. */
  sessionsOf(user: UserName): readonly UserSession[]
  readonly users: Iterable<readonly [UserName, readonly UserSession[]]>
  /** Users online. */
  readonly count: number
  /** Their sessions. */
  readonly connections: number
  /** The revision held of an entry or of its deletion; 0 if none. */
  revisionOf(id: UserEntryId): number
  readonly instances: Iterable<Instance>
  /** Whether nothing is held, counting or not. */
  readonly empty: boolean
}

interface Online {
  readonly user: UserName
  readonly sessions: readonly UserSession[]
}

/**
 * Makes an empty view.
 *
 * @param countsAs - under which instance one counts at this moment, null if it does not: {@link Liveness.countsAs}
 */
export function createUsersView(countsAs: (instance: Instance) => Instance | null): UsersView {
  const entries = new Entries<EntryUser, Online>({ userOf: ({ user }) => user, merge, countsAs })
  let count = 0
  let connections = 0

  function changesOf(shifts: readonly Shift<Online>[]): SessionChange[] {
    return shifts.flatMap((shift) => {
      const before = shift.was?.sessions.length ?? 0
      const after = shift.is?.sessions.length ?? 0
      connections += after - before
      count += Math.sign(after) - Math.sign(before)
      return sessionChanges(shift)
    })
  }

  return {
    put: (id, revision, users) => changesOf(entries.put(id.instance, partOf(id), revision, users)),
    recount: () => changesOf(entries.recount()),
    forget: (instance) => changesOf(entries.forget(instance)),
    startOver: () => entries.startOver(),
    settle: () => changesOf(entries.settle()),
    prune: (revision) => entries.prune(revision),
    sessionsOf: (user) => entries.get(user)?.sessions ?? [],
    get users() {
      return onlineOf(entries.users)
    },
    get count() {
      return count
    },
    get connections() {
      return connections
    },
    revisionOf: (id) => entries.revisionOf(id.instance, partOf(id)),
    get instances() {
      return entries.instances
    },
    get empty() {
      return entries.empty
    },
  }
}

/** Orders sessions the same way everywhere: by age, then by gateway, then by number. */
export function compareSessions(a: UserSession, b: UserSession): number {
  if (a.since !== b.since) return a.since - b.since
  if (a.gateway !== b.gateway) return a.gateway < b.gateway ? -1 : 1
  return numberOf(a.session) - numberOf(b.session)
}

function partOf({ shard, chunk }: UserEntryId): string {
  return `${shard}.${chunk}`
}

function numberOf(session: SessionId): number {
  return parseSession(session)?.number ?? 0
}

function* onlineOf(users: Iterable<readonly [string, Online]>): Generator<readonly [UserName, readonly UserSession[]]> {
  for (const [, { user, sessions }] of users) if (sessions.length > 0) yield [user, sessions]
}

function sessionChanges({ was, is, revision, asOf, instances }: Shift<Online>): SessionChange[] {
  const user = (is ?? was)?.user
  if (user === undefined) return []
  const before = new Map((was?.sessions ?? []).map((session) => [session.session, session]))
  const after = new Map((is?.sessions ?? []).map((session) => [session.session, session]))
  const common = { user, connectionsBefore: before.size, connections: after.size, revision, asOf, instances }
  return [
    ...[...before.values()]
      .filter(({ session }) => !after.has(session))
      .map((session): SessionChange => ({ kind: 'disconnected', session, ...common })),
    ...[...after.values()]
      .filter(({ session }) => !before.has(session))
      .map((session): SessionChange => ({ kind: 'connected', session, ...common })),
  ]
}

/** A session is there once, however many entries name it; the newest says since when. */
function merge(_: string, mentions: readonly Mention<EntryUser>[]): Online {
  const sessions = new Map<SessionId, UserSession>()
  const oldestFirst = [...mentions].sort((a, b) => a.revision - b.revision)
  for (const { item, as } of oldestFirst) {
    for (const { session, since } of item.sessions) {
      const gateway = parseSession(session)?.gateway
      if (gateway !== undefined) sessions.set(session, { session, gateway, since, instance: as })
    }
  }
  // Every merge has a mention, and all of one user bear its name.
  const user = (mentions[0] as Mention<EntryUser>).item.user
  return { user, sessions: [...sessions.values()].sort(compareSessions) }
}
