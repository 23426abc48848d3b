// A room as the connections of this gateway watch it: its view, and what of the view's changes is told to them. A room with too
// many members is told by counts and a sample. Pure but for the frames that it hands out; knows neither NATS nor sessions.
import type { MemberChange, Room, RoomView, ViewMember } from '@sluice/proto'
import type { Outbox } from '../outbound/outbox.ts'
import { changeFrames, membersFrame, type Watcher } from './presence-frames.ts'
import { Telling } from './telling.ts'

/** What a client is told of a room as a whole. */
export interface Members {
  /** All of them, or a sample. */
  readonly members: ViewMember[]
  readonly count: number
}

/** Bounds of what is told. */
export interface WatchBounds {
  /** Members above which a room is told by counts and a sample, and no longer by joins and leaves. */
  readonly membersMax: number
  /** Members in a sample. */
  readonly sampleMax: number
  /** Between two counts, in milliseconds. */
  readonly countsEveryMs: number
}

/** What a flush has done. */
export interface Flushed {
  /** Changes or members that were encoded, and watchers that were told. */
  readonly work: number
  /** Whether there is more to tell now, or counts whose time has not come; or nothing. */
  readonly rest: 'more' | 'later' | 'nothing'
}

/** A room that connections watch, or have watched lately. */
export interface WatchedRoom {
  readonly room: Room
  readonly view: RoomView
  /** How many watch it. */
  readonly watching: number
  /** The view as a client would be told now. */
  members(): Members
  /** Lets a connection see everything that changes from now on, and tells it what is. */
  begin(watcher: Watcher): Members
  /** It is told nothing more, not even what is on its way. */
  end(watcher: Watcher): void
  /** The view has changed; whether {@link WatchedRoom.flush} has something to tell. */
  changed(changes: readonly MemberChange[]): boolean
  /**
   * Tells the watchers what has changed, or goes on with it.
   *
   * @param workMax - to do about so much of it
   */
  flush(nowMs: number, workMax: number): Flushed
}

/** Changes that one frame tells to all who had begun to watch before them. */
interface Batch {
  readonly changes: readonly MemberChange[]
  readonly upTo: number
}

/**
 * Makes it, without watchers.
 *
 * @param view - of that room, with whatever it holds
 */
export function createWatchedRoom(
  room: Room,
  view: RoomView,
  outbox: Pick<Outbox, 'push'>,
  bounds: WatchBounds,
): WatchedRoom {
  return new Watched(room, view, outbox, bounds)
}

class Watched implements WatchedRoom {
  readonly room: Room
  readonly view: RoomView
  readonly #outbox: Pick<Outbox, 'push'>
  readonly #bounds: WatchBounds
  readonly #watchers = new Map<Watcher, number>()
  #begins = 0
  #telling: Telling | null = null
  /** What waits to be told, the first first; all of it together is no more than a view may have members. */
  #batches: Batch[] = []
  #pending: MemberChange[] = []
  #waiting = 0
  /** Whether watchers are told each change; else counts, and that something has changed since the last one. */
  #each = true
  #stale = false
  #countedMs = Number.NEGATIVE_INFINITY

  constructor(room: Room, view: RoomView, outbox: Pick<Outbox, 'push'>, bounds: WatchBounds) {
    this.room = room
    this.view = view
    this.#outbox = outbox
    this.#bounds = bounds
  }

  get watching(): number {
    return this.#watchers.size
  }

  members(): Members {
    const { count, members } = this.view
    const max = count > this.#bounds.membersMax ? this.#bounds.sampleMax : count
    return { members: firstOf(members, max), count }
  }

  begin(watcher: Watcher): Members {
    // What it is told now holds what the others are still to be told.
    this.#closeBatch()
    if (this.view.count > this.#bounds.membersMax) this.#each = false
    this.#begins++
    this.#watchers.set(watcher, this.#begins)
    return this.members()
  }

  end(watcher: Watcher): void {
    this.#watchers.delete(watcher)
    if (this.#watchers.size > 0) return
    this.#telling = null
    this.#forgetChanges()
    this.#each = true
    this.#stale = false
  }

  changed(changes: readonly MemberChange[]): boolean {
    if (this.#watchers.size === 0 || changes.length === 0) return false
    const { membersMax } = this.#bounds
    if (this.#each && this.view.count <= membersMax && this.#waiting + changes.length <= membersMax) {
      this.#pending.push(...changes)
      this.#waiting += changes.length
    } else {
      // The view as a whole says more than that many changes.
      this.#each = false
      this.#stale = true
      this.#forgetChanges()
    }
    return true
  }

  flush(nowMs: number, workMax: number): Flushed {
    let work = 0
    while (work < workMax) {
      if (this.#telling === null) {
        work += this.#tellNext(nowMs)
        if (this.#telling === null) return { work, rest: this.#stale ? 'later' : 'nothing' }
      }
      const telling: Telling = this.#telling
      work += telling.send(Math.max(1, workMax - work))
      // The last watcher may have ended under the loop.
      if (telling.done && this.#telling === telling) this.#telling = null
    }
    return { work, rest: 'more' }
  }

  #closeBatch(): void {
    if (this.#pending.length > 0) this.#batches.push({ changes: this.#pending, upTo: this.#begins })
    this.#pending = []
  }

  #forgetChanges(): void {
    this.#batches = []
    this.#pending = []
    this.#waiting = 0
  }

  /** Begins to tell what comes next, if it is time; how much was encoded. */
  #tellNext(nowMs: number): number {
    this.#closeBatch()
    const batch = this.#batches.shift()
    if (batch !== undefined) {
      const { changes, upTo } = batch
      this.#waiting -= changes.length
      const frames = changeFrames(this.#outbox, this.room.name, changes)
      this.#telling = new Telling({ frames, watchers: this.#watchers, upTo })
      return changes.length
    }
    const { membersMax, countsEveryMs } = this.#bounds
    if (!this.#stale || nowMs - this.#countedMs < countsEveryMs) return 0
    this.#stale = false
    this.#countedMs = nowMs
    // Well below the border, so that a room at it does not send its whole view again and again.
    this.#each = this.view.count <= membersMax * BACK_BELOW
    const { members, count } = this.members()
    const frames = membersFrame(this.#outbox, this.room.name, members, count)
    this.#telling = new Telling({ frames, watchers: this.#watchers, upTo: this.#begins })
    return members.length
  }
}

const BACK_BELOW = 0.9

function firstOf(members: Iterable<ViewMember>, max: number): ViewMember[] {
  const first: ViewMember[] = []
  for (const member of members) {
    if (first.length >= max) break
    first.push(member)
  }
  return first
}
