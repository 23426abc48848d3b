// A room as the connections of this gateway watch it: its view, and what of the view's changes is told to them. A room with too
// many members is told by counts and a sample. Pure but for the frames that it hands out; knows neither NATS nor sessions.
import type { MemberChange, Room, RoomView, ViewMember } from '@sluice/proto'
import type { Outbox } from '../outbound/outbox.ts'
import { changeFrames, membersFrame, type Watcher } from './presence-frames.ts'

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

/** A room that connections watch, or have watched lately. */
export interface WatchedRoom {
  readonly room: Room
  readonly view: RoomView
  readonly watchers: ReadonlySet<Watcher>
  /** The view as a client would be told now. */
  members(): Members
  /** Lets a connection see everything that changes from now on, and tells it what is. */
  begin(watcher: Watcher): Members
  end(watcher: Watcher): void
  /** The view has changed; whether {@link WatchedRoom.flush} has something to tell. */
  changed(changes: readonly MemberChange[]): boolean
  /** Tells the watchers what has changed, or begins to; whether it is to be called again, as it is not yet time for counts. */
  flush(nowMs: number): boolean
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
  { membersMax, sampleMax, countsEveryMs }: WatchBounds,
): WatchedRoom {
  const watchers = new Set<Watcher>()
  let pending: MemberChange[] = []
  /** Whether watchers are told each change; else counts, and that something has changed since the last one. */
  let each = true
  let stale = false
  let countedMs = Number.NEGATIVE_INFINITY

  function members(): Members {
    const max = view.count > membersMax ? sampleMax : view.count
    return { members: firstOf(view.members, max), count: view.count }
  }

  function tellAll(): void {
    const { members: listed, count } = members()
    const frames = membersFrame(outbox, room.name, listed, count)
    for (const watcher of watchers) frames.sendTo(watcher)
  }

  function tellEach(): void {
    const changes = pending
    pending = []
    if (changes.length === 0) return
    const frames = changeFrames(outbox, room.name, changes)
    // A watcher whose queue runs over is closed from within and ends its watch: the set may shrink under the loop.
    for (const watcher of watchers) frames.sendTo(watcher)
  }

  function tellCounts(nowMs: number): void {
    if (!stale || nowMs - countedMs < countsEveryMs) return
    stale = false
    countedMs = nowMs
    // Well below the border, so that a room at it does not send its whole view again and again.
    each = view.count <= membersMax * BACK_BELOW
    tellAll()
  }

  return {
    room,
    view,
    watchers,
    members,
    begin(watcher) {
      if (each) tellEach()
      if (view.count > membersMax) each = false
      watchers.add(watcher)
      return members()
    },
    end(watcher) {
      watchers.delete(watcher)
      if (watchers.size > 0) return
      pending = []
      each = true
      stale = false
    },
    changed(changes) {
      if (watchers.size === 0 || changes.length === 0) return false
      if (each && view.count <= membersMax && pending.length + changes.length <= membersMax) pending.push(...changes)
      else {
        // The view as a whole says more than that many changes.
        each = false
        stale = true
        pending = []
      }
      return true
    },
    flush(nowMs) {
      if (each) tellEach()
      else tellCounts(nowMs)
      return stale
    },
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
