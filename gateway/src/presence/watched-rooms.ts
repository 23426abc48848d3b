// All rooms that connections of this gateway watch: follows the entries of each, keeps its view, and lets go of it some seconds
// after the last one has gone. Who may watch is the session's question, who counts the leases'.
import {
  type Bucket,
  createRoomView,
  decodeRoomEntry,
  type Instance,
  keyFilters,
  type Liveness,
  type MemberChange,
  parseRoomEntryKey,
  type Room,
  type RoomName,
} from '@sluice/proto'
import type { Outbox } from '../outbound/outbox.ts'
import type { RoomFollower } from './room-follower.ts'
import { withShownInfo } from './shown-info.ts'
import { createWatchedRoom, type WatchBounds, type WatchedRoom } from './watched-room.ts'

/** See {@link createWatchedRooms}. */
export interface WatchedRoomsOptions {
  readonly entries: Bucket
  readonly follower: Pick<RoomFollower, 'follow'>
  readonly liveness: Pick<Liveness, 'countsAs' | 'stateOf'>
  readonly outbox: Pick<Outbox, 'push'>
  readonly bounds: WatchBounds
  readonly nowMs: () => number
  /** A value of a newer release, or one that can't be read, was skipped. */
  readonly onSkipped: (why: 'newer' | 'malformed') => void
}

/** A room that is followed, and maybe not yet known. */
export interface FollowedView {
  readonly watched: WatchedRoom
  /** Whether everything that was there when it was first followed is in the view. */
  readonly loaded: boolean
}

/** A room that a connection watches. */
export interface Watch {
  readonly room: RoomName
  readonly view: FollowedView
}

/** The watched rooms of a gateway. */
export interface WatchedRooms {
  /** Follows a room until it is released as often as it was held. */
  hold(room: Room): FollowedView
  release(view: FollowedView): void
  /** Waits until the view is loaded and fits; false if it did not in time. */
  whenFits(view: FollowedView, fits: (watched: WatchedRoom) => boolean, waitMs: number): Promise<boolean>
  /** The view of a room, if it is loaded. */
  find(name: RoomName): WatchedRoom | undefined
  /** The instances that count have changed. */
  recount(): void
  /** Tells counts, lets go of rooms, forgets instances that are gone; called at a steady pace. */
  tick(): void
  /** Rooms that are watched. */
  readonly count: number
}

/** Clients often leave and come back. */
const IDLE_MS = 5000
/** Everyone has written everything again by then: gateways look for a new bucket every few seconds. */
const SETTLE_MS = 15_000
/** Changes encoded and watchers told in one turn of the event loop, of all rooms together. */
export const WORK_PER_TURN = 512
/** Between two looks for instances that are gone. */
const FORGET_MS = 5000

interface Waiter {
  readonly fits: (watched: WatchedRoom) => boolean
  readonly resolve: () => void
}

class Followed implements FollowedView {
  readonly watched: WatchedRoom
  loaded = false
  holds = 0
  idleSince = 0
  /** When to drop what was not read again since the last start over; null if there is none, or while it is still to be read. */
  settleAt: number | null = null
  startedOver = false
  waiters: Waiter[] = []
  stop: () => void = () => undefined

  constructor(watched: WatchedRoom) {
    this.watched = watched
  }

  /** Tells those who wait. */
  judge(): void {
    if (!this.loaded || this.waiters.length === 0) return
    const met = this.waiters.filter(({ fits }) => fits(this.watched))
    this.waiters = this.waiters.filter((waiter) => !met.includes(waiter))
    for (const { resolve } of met) resolve()
  }
}

/** Makes the registry. */
export function createWatchedRooms(options: WatchedRoomsOptions): WatchedRooms {
  return new Registry(options)
}

class Registry implements WatchedRooms {
  readonly #options: WatchedRoomsOptions
  readonly #rooms = new Map<RoomName, Followed>()
  /** Those that nobody holds. */
  readonly #idle = new Set<Followed>()
  /** Those that have something to tell, in the order of their turns. */
  readonly #telling = new Set<Followed>()
  /** Those that have counts to tell when it is time. */
  readonly #later = new Set<Followed>()
  #scheduled = false
  #forgotAt = 0

  constructor(options: WatchedRoomsOptions) {
    this.#options = options
  }

  hold(room: Room): FollowedView {
    const followed = this.#rooms.get(room.name) ?? this.#begin(room)
    followed.holds++
    this.#idle.delete(followed)
    return followed
  }

  release(view: FollowedView): void {
    const followed = view as Followed
    followed.holds--
    if (followed.holds > 0) return
    followed.idleSince = this.#options.nowMs()
    this.#idle.add(followed)
  }

  async whenFits(view: FollowedView, fits: (watched: WatchedRoom) => boolean, waitMs: number): Promise<boolean> {
    const followed = view as Followed
    if (followed.loaded && fits(followed.watched)) return true
    let timer: NodeJS.Timeout | undefined
    const met = new Promise<boolean>((resolve) => {
      const waiter: Waiter = { fits, resolve: () => resolve(true) }
      followed.waiters.push(waiter)
      timer = setTimeout(() => {
        followed.waiters = followed.waiters.filter((other) => other !== waiter)
        resolve(false)
      }, waitMs)
    })
    return met.finally(() => clearTimeout(timer))
  }

  find(name: RoomName): WatchedRoom | undefined {
    const followed = this.#rooms.get(name)
    return followed?.loaded ? followed.watched : undefined
  }

  recount(): void {
    for (const followed of this.#rooms.values()) this.#applied(followed, followed.watched.view.recount())
  }

  tick(): void {
    const now = this.#options.nowMs()
    for (const followed of this.#later) this.#telling.add(followed)
    this.#later.clear()
    this.#tellSoon()
    for (const followed of this.#idle) {
      if (now - followed.idleSince < IDLE_MS) continue
      this.#idle.delete(followed)
      followed.stop()
      this.#telling.delete(followed)
      this.#later.delete(followed)
      this.#rooms.delete(followed.watched.room.name)
    }
    const forgetting = now - this.#forgotAt >= FORGET_MS
    if (forgetting) this.#forgotAt = now
    for (const followed of this.#rooms.values()) {
      if (forgetting) this.#forgetGone(followed)
      if (followed.settleAt === null || now < followed.settleAt) continue
      followed.settleAt = null
      this.#applied(followed, followed.watched.view.settle())
    }
  }

  get count(): number {
    return this.#rooms.size - this.#idle.size
  }

  #begin(room: Room): Followed {
    const { entries, follower, liveness, outbox, bounds, nowMs } = this.#options
    const view = createRoomView((instance) => liveness.countsAs(instance))
    const followed = new Followed(createWatchedRoom(room, view, outbox, bounds))
    this.#rooms.set(room.name, followed)
    const filter = keyFilters.room(room)
    const following = follower.follow({
      stored: entries.subject(filter),
      copies: entries.followed(filter),
      weight: () => [...view.instances].length,
      onEntry: (subject, value, revision) => this.#onEntry(followed, subject, value, revision),
      onStartOver: () => {
        view.startOver()
        followed.startedOver = true
        followed.settleAt = null
      },
      onRead: (readUpTo) => {
        view.prune(readUpTo)
        // A read that can't be made for a while must not empty the view.
        if (followed.startedOver) followed.settleAt = nowMs() + SETTLE_MS
        followed.startedOver = false
        followed.loaded = true
        followed.judge()
      },
    })
    followed.stop = () => following.stop()
    return followed
  }

  #onEntry(followed: Followed, subject: string, value: Uint8Array | null, revision: number): void {
    const { entries, onSkipped } = this.#options
    const id = parseRoomEntryKey(entries.keyOf(subject) ?? '')
    if (id === null) return onSkipped('malformed')
    const members = value === null ? null : decodeRoomEntry(value)
    if (members === 'newer') return onSkipped('newer')
    if (members === null && value !== null) return onSkipped('malformed')
    const shown = members === null ? null : withShownInfo(members)
    this.#applied(followed, followed.watched.view.put(id, revision, shown))
  }

  #applied(followed: Followed, changes: readonly MemberChange[]): void {
    if (followed.watched.changed(changes)) {
      this.#telling.add(followed)
      this.#tellSoon()
    }
    followed.judge()
  }

  /** In a turn of its own, so that no answer of this turn is overtaken. */
  #tellSoon(): void {
    if (this.#scheduled || this.#telling.size === 0) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#tell()
      this.#tellSoon()
    })
  }

  #tell(): void {
    const now = this.#options.nowMs()
    let left = WORK_PER_TURN
    for (const followed of this.#telling) {
      const { work, rest } = followed.watched.flush(now, left)
      this.#telling.delete(followed)
      // Behind the others: a big room must not keep small ones waiting.
      if (rest === 'more') this.#telling.add(followed)
      else if (rest === 'later') this.#later.add(followed)
      left -= Math.max(1, work)
      if (left <= 0) return
    }
  }

  #forgetGone(followed: Followed): void {
    const { liveness } = this.#options
    const { view } = followed.watched
    const gone = [...view.instances].filter((instance: Instance) => liveness.stateOf(instance) === 'gone')
    for (const instance of gone) this.#applied(followed, view.forget(instance))
  }
}
