// Builds presence: its parts in the order in which a change passes them, from the rooms of this gateway to the bucket and from there
// to those who watch. Takes them down in the reverse order. Read this first in this folder.
import { setTimeout as pause } from 'node:timers/promises'
import {
  createPresenceStores,
  createSubjects,
  type GatewayId,
  type LimitName,
  type Namespaces,
  type PresenceStores,
  ROOM_MEMBERS_MAX,
} from '@sluice/proto'
import type { Clock } from '@sluice/service/clock'
import type { Logger } from '@sluice/service/log'
import type { Link } from '@sluice/service/nats/link'
import type { Throttle } from '@sluice/service/throttle'
import { askRouters, type RoomAnswerBounds } from '../backplane/room-query.ts'
import type { SideLinks } from '../backplane/side-links.ts'
import { BUILD } from '../metrics/build.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Outbox } from '../outbound/outbox.ts'
import type { Connections } from '../session/connections.ts'
import { type Announcer, createAnnouncer } from './announcer.ts'
import { createLocalRooms } from './local-rooms.ts'
import { createLocalUsers } from './local-users.ts'
import { createPresence, type Presence } from './presence.ts'
import { createRoomFollower } from './room-follower.ts'
import type { WatchBounds } from './watched-room.ts'
import { createWatchedRooms } from './watched-rooms.ts'

/** See {@link startPresence}. */
export interface StartPresenceOptions {
  readonly links: SideLinks
  /** The connection of rooms. */
  readonly data: Pick<Link, 'connected' | 'publish' | 'subscribe' | 'request' | 'inbox'>
  readonly prefix: string
  /** Of the process, in logs. */
  readonly name: string
  readonly gateway: GatewayId
  readonly namespaces: () => Namespaces
  readonly lingerMs: number
  readonly limits: { readonly [name in LimitName]: number }
  readonly connections: Connections
  readonly outbox: Pick<Outbox, 'push'>
  readonly clock: Clock
  readonly log: Logger
  readonly throttle: Throttle
  readonly counters: Counters
}

/** Running presence. */
export interface RunningPresence {
  readonly session: Presence
  /** See {@link Announcer.announced}. */
  readonly announced: boolean
  /** Connections that broke and are still shown. */
  readonly lingering: number
  /** Rooms in which users of this gateway are shown. */
  readonly rooms: number
  /** Rooms that connections of this gateway watch. */
  readonly watched: number
  /** Since the last renewal of our lease was sent; null before the first. */
  leaseAgeMs(): number | null
  /** One of our connections to NATS is back. */
  reconnected(): void
  /** Says that this process is leaving; its entries stay. */
  drain(): Promise<void>
  /**
   * Ends after the sockets are gone: what lingers gets its time, so that who comes back elsewhere is not seen to leave; then our
   * entries are purged and our lease is released. If that can't be, the lease is left to expire, as routers purge only what a
   * dead lease has left.
   *
   * @param waitMs - for which to wait at most
   */
  leave(waitMs: number): Promise<void>
}

/** Members in a sample of a big room. */
const SAMPLE_MAX = 100
/** A member with long names and `info`, as a frame carries it. */
const MEMBER_BYTES = 512
const COUNTS_EVERY_MS = 1000
const LEAVE_STEP_MS = 50
/** A lease that can't be released expires. */
const RELEASE_WAIT_MS = 2000

/** Begins to announce and to listen. */
export function startPresence(options: StartPresenceOptions): RunningPresence {
  const { links, data, gateway, connections, clock, counters, throttle, log } = options
  const stores = createPresenceStores(options.prefix)
  const subjects = createSubjects(options.prefix)
  const nowMs = clock.monotonicMs
  let instances = 0
  let renewedAt: number | null = null

  const rooms = createLocalRooms(options.lingerMs, (group) => announcer.writer.changed(group))
  const users = createLocalUsers((group) => announcer.writer.changed(group))
  const announcer: Announcer = createAnnouncer({
    control: links.control,
    data,
    reads: links.reads,
    stores,
    describe: () => ({ name: options.name, version: BUILD.version, gateway, connections: connections.total }),
    newInstance: () => `${gateway}-${++instances}`,
    nowMs,
    log,
    throttle,
    counters,
    groups: () => [...rooms.groups, ...users.groups],
    onStored: rooms.stored,
    onChange: ({ counting }) => {
      if (counting.length > 0) watched.recount()
    },
  })
  const { follower, watched } = createWatching(options, stores, announcer)
  const session = createPresence({
    announcer,
    rooms,
    users,
    watched,
    namespaces: options.namespaces,
    clock,
    ask: (room) => askRouters(data, subjects, room, answerBoundsOf(options.limits)),
  })

  return {
    session,
    get announced() {
      return announcer.announced
    },
    get lingering() {
      return rooms.lingering
    },
    get rooms() {
      return rooms.count
    },
    get watched() {
      return watched.count
    },
    leaseAgeMs() {
      // A new instance has no renewal yet, and is no reason to forget the last one.
      renewedAt = announcer.fleet.renewedAt ?? renewedAt
      return renewedAt === null ? null : nowMs() - renewedAt
    },
    reconnected() {
      announcer.reconnected()
      follower.check()
    },
    drain: announcer.drain,
    async leave(waitMs) {
      const endsAt = nowMs() + waitMs
      const isClean = (): boolean => rooms.lingering === 0 && announcer.writer.waiting === 0
      while (!isClean() && nowMs() < endsAt && data.connected) await pause(LEAVE_STEP_MS)
      follower.stop()
      if (isClean()) await Promise.race([announcer.leave(), pause(RELEASE_WAIT_MS)])
      else log.warn({ lingering: rooms.lingering }, 'entries of presence are left behind; the lease expires')
      await Promise.all([links.control.drain(), links.reads.drain()])
    },
  }
}

/** An answer must leave room for others in a queue. */
function answerBoundsOf({ queueBytesMax }: StartPresenceOptions['limits']): RoomAnswerBounds {
  return { membersMax: ROOM_MEMBERS_MAX, bytesMax: queueBytesMax / 2 }
}

function createWatching(options: StartPresenceOptions, stores: PresenceStores, { fleet }: Announcer) {
  const { links, data, outbox, limits, clock, log, throttle, counters } = options
  const follower = createRoomFollower({
    nats: data,
    reads: links.reads,
    stream: stores.entries.stream,
    nowMs: clock.monotonicMs,
    onFault: (error) => {
      if (throttle('presence read') !== null) log.warn({ reason: error.message }, 'a read of presence failed')
    },
  })
  const watched = createWatchedRooms({
    entries: stores.entries,
    follower,
    liveness: fleet.liveness,
    outbox,
    bounds: boundsOf(limits),
    nowMs: clock.monotonicMs,
    onSkipped: (why) => counters.presenceSkipped.add(why),
  })
  return { follower, watched }
}

/** What one frame tells of a room must leave room for others in a queue. */
function boundsOf({ queueBytesMax }: StartPresenceOptions['limits']): WatchBounds {
  const fits = Math.floor(queueBytesMax / 2 / MEMBER_BYTES)
  const membersMax = Math.min(ROOM_MEMBERS_MAX, fits)
  return { membersMax, sampleMax: Math.min(SAMPLE_MAX, membersMax), countsEveryMs: COUNTS_EVERY_MS }
}
