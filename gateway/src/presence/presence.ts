// Presence as the session knows it: who signs in, enters and leaves is shown to others, and a connection may watch rooms or ask who
// is in them. Puts the parts of this folder together for each connection; decides who is shown.
import { ANONYMOUS_PREFIX, type Namespaces, parseRoom, type Room, type RoomName } from '@sluice/proto'
import type { Clock } from '@sluice/service/clock'
import type { Principal } from '../accept/authenticate/principal.ts'
import type { RoomAnswer } from '../backplane/room-query.ts'
import { infoIn } from '../rights/room-rights.ts'
import type { Connection } from '../session/connection.ts'
import { isLive } from '../session/connection-state.ts'
import type { Announcer } from './announcer.ts'
import type { Departure, LocalRoom, LocalRooms } from './local-rooms.ts'
import type { LocalUsers } from './local-users.ts'
import { withShownInfo } from './shown-info.ts'
import type { Members, WatchedRoom } from './watched-room.ts'
import type { FollowedView, WatchedRooms } from './watched-rooms.ts'

/** See {@link createPresence}. */
export interface PresenceOptions {
  readonly announcer: Pick<Announcer, 'fleet' | 'writer'>
  readonly rooms: LocalRooms
  readonly users: LocalUsers
  readonly watched: WatchedRooms
  readonly namespaces: () => Namespaces
  readonly clock: Clock
  /** Asks routers. */
  readonly ask: (room: Room) => Promise<RoomAnswer>
}

/** What connections have to do with presence. */
export interface Presence {
  /** A connection has signed in. */
  opened(connection: Connection): void
  /** Its token was refreshed: what others see of it may have changed. */
  refreshed(connection: Connection): void
  /** It is gone, or about to be. Whatever comes after the first call does nothing. */
  closed(connection: Connection, departure: Departure): void
  /** It has joined a room of a namespace with presence. */
  entered(connection: Connection, room: Room): void
  /** It has left a room, or could not join it after all. */
  left(connection: Connection, room: Room): void
  /**
   * Enters, and waits until the room's view is known and holds what this connection makes of it.
   *
   * @returns the view, held for the connection; null if it did not come in time
   */
  prepareWatch(connection: Connection, room: Room): Promise<FollowedView | null>
  /** From here on the connection sees changes; what it sees now. */
  beginWatch(connection: Connection, view: FollowedView): Members
  /** Lets go of a view that was prepared and is not watched after all. */
  dropWatch(view: FollowedView): void
  /** Who is in a room: from our own view if it is watched, else from a router. */
  ask(room: Room): Promise<RoomAnswer>
  /** Namespaces have changed, or presence has just begun: brings all connections in step. */
  sync(connections: Iterable<Connection>): void
  /** Ends what has lingered, tells counts; called at a steady pace. */
  tick(): void
}

/** A join waits this long for its entry and for the view: less than a write's time-out would make it look like an outage. */
export const WATCH_WAIT_MS = 5000

/** Makes it. */
export function createPresence(options: PresenceOptions): Presence {
  return new SessionPresence(options)
}

class SessionPresence implements Presence {
  readonly #options: PresenceOptions

  constructor(options: PresenceOptions) {
    this.#options = options
  }

  opened(connection: Connection): void {
    this.#show(connection)
  }

  refreshed(connection: Connection): void {
    this.#show(connection)
    const { principal } = connection
    if (principal === null) return
    for (const local of connection.presentIn ?? [])
      this.#options.rooms.describe(local, principal.user, infoIn(connection, local.room.name))
  }

  closed(connection: Connection, departure: Departure): void {
    const { principal } = connection
    if (principal === null) return
    this.#options.users.remove(principal.user, connection.session)
    for (const { room } of [...(connection.presentIn ?? [])]) this.#exit(connection, room.name, departure)
    for (const { room } of [...(connection.watches ?? [])]) this.#endWatch(connection, room)
    connection.presentIn = null
    connection.watches = null
  }

  entered(connection: Connection, room: Room): void {
    this.#enter(connection, room)
  }

  left(connection: Connection, room: Room): void {
    this.#endWatch(connection, room.name)
    this.#exit(connection, room.name, 'clean')
  }

  async prepareWatch(connection: Connection, room: Room): Promise<FollowedView | null> {
    const { announcer, watched, clock } = this.#options
    const local = this.#enter(connection, room)
    const user = connection.principal?.user ?? ''
    const view = watched.hold(room)
    const endsAt = clock.monotonicMs() + WATCH_WAIT_MS
    const stored = local === null || (await inTime(announcer.writer.whenStored(local.group), WATCH_WAIT_MS))
    const fits = (seen: WatchedRoom): boolean => {
      if (!announcer.fleet.loaded) return false
      return local === null || (holds(seen, local, announcer.fleet.instance) && seen.view.get(user) !== null)
    }
    if (stored && (await watched.whenFits(view, fits, Math.max(0, endsAt - clock.monotonicMs())))) return view
    watched.release(view)
    return null
  }

  beginWatch(connection: Connection, view: FollowedView): Members {
    const watch = { room: view.watched.room.name, view }
    connection.watches = connection.watches?.concat(watch) ?? [watch]
    return view.watched.begin(connection)
  }

  dropWatch(view: FollowedView): void {
    this.#options.watched.release(view)
  }

  async ask(room: Room): Promise<RoomAnswer> {
    const seen = this.#options.watched.find(room.name)
    if (seen !== undefined && seen.watching > 0) return { ok: true, ...seen.members() }
    const answer = await this.#options.ask(room)
    return answer.ok ? { ...answer, members: withShownInfo(answer.members) } : answer
  }

  sync(connections: Iterable<Connection>): void {
    for (const connection of connections) this.#show(connection)
  }

  tick(): void {
    this.#options.rooms.expire(this.#options.clock.monotonicMs())
    this.#options.watched.tick()
  }

  /** Brings what is shown of a connection in step with its rooms, grants and namespaces. */
  #show(connection: Connection): void {
    const { users, clock } = this.#options
    const { principal, session } = connection
    if (connection.phase !== 'open' || principal === null) return
    const shown = isShown(principal)
    if (!shown) users.remove(principal.user, session)
    else if (!users.has(principal.user, session)) users.add(principal.user, session, clock.now())
    const rooms = new Map<RoomName, Room>()
    if (shown) for (const room of joinedRooms(connection)) if (this.#hasPresence(room)) rooms.set(room.name, room)
    for (const { room } of [...(connection.presentIn ?? [])])
      if (!rooms.has(room.name)) this.#exit(connection, room.name, 'clean')
    for (const { room, view } of [...(connection.watches ?? [])])
      if (!this.#hasPresence(view.watched.room)) this.#endWatch(connection, room)
    for (const room of rooms.values()) this.#enter(connection, room)
  }

  #hasPresence({ namespace }: Room): boolean {
    const all = this.#options.namespaces()
    return Object.hasOwn(all, namespace) && all[namespace]?.presence === true
  }

  /** Shows a connection in a room; null for one that is not shown. */
  #enter(connection: Connection, room: Room): LocalRoom | null {
    const { principal } = connection
    if (!isLive(connection.phase) || principal === null || !isShown(principal)) return null
    const present = connection.presentIn?.find((local) => local.room.name === room.name)
    if (present !== undefined) return present
    const local = this.#options.rooms.enter(room, principal.user, infoIn(connection, room.name))
    // A push would leave room for sixteen more, for each of many connections.
    connection.presentIn = connection.presentIn?.concat(local) ?? [local]
    return local
  }

  #exit(connection: Connection, name: RoomName, departure: Departure): void {
    const { rooms, clock } = this.#options
    const at = connection.presentIn?.findIndex(({ room }) => room.name === name) ?? -1
    const [local] = at === -1 ? [] : (connection.presentIn?.splice(at, 1) ?? [])
    if (local === undefined || connection.principal === null) return
    rooms.leave(local, connection.principal.user, departure, clock.monotonicMs())
  }

  #endWatch(connection: Connection, name: RoomName): void {
    const at = connection.watches?.findIndex(({ room }) => room === name) ?? -1
    const [watch] = at === -1 ? [] : (connection.watches?.splice(at, 1) ?? [])
    if (watch === undefined) return
    watch.view.watched.end(connection)
    this.#options.watched.release(watch.view)
  }
}

/** Anonymous users are connections, not members; a grant hides others. */
function isShown({ user, grants }: Principal): boolean {
  return grants.hidden !== true && !user.startsWith(ANONYMOUS_PREFIX)
}

/** Whether a view holds everything of a room that this gateway has been acknowledged. */
function holds({ view }: WatchedRoom, { group }: LocalRoom, instance: string): boolean {
  for (const [chunk, revision] of group.revisions) {
    if (view.revisionOf({ instance, chunk }) < revision) return false
  }
  return true
}

function joinedRooms({ topics, slots }: Connection): Room[] {
  return topics.flatMap(({ about }, at) => {
    if (about.kind !== 'room' || slots[at] === -1) return []
    return parseRoom(about.name, NAME_BYTES_MAX) ?? []
  })
}

/** It was parsed within its bound before. */
const NAME_BYTES_MAX = Number.MAX_SAFE_INTEGER

async function inTime(promise: Promise<void>, waitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, waitMs, false)
  })
  return Promise.race([promise.then(() => true), late]).finally(() => clearTimeout(timer))
}
