// What this gateway knows of the history of one room or inbox: where it stands, what came last, and whether anything is missing.
// Live copies go to the members in one unbroken order, or wait until what lies before them was read. It asks for reads and
// checks and never does them: those are repair.ts and checks.ts. No sockets, no NATS, no time. Step 4 of the message path.
import { type GapReason, judgeNext, type Position } from '@sluice/proto'
import type { StoredInbound } from '../backplane/inbound.ts'
import type { TopicName } from '../fanout/topic.ts'
import type { Ring, RingEntry } from './ring.ts'

/**
 * - `unknown`: where it stands is not known yet, or in doubt; live copies wait
 * - `following`: nothing is missing
 * - `repairing`: something is missing and being read; live copies wait
 */
export type LogPhase = 'unknown' | 'following' | 'repairing'

/** Messages were missed for good: what members are told. */
export interface Gap {
  readonly reason: GapReason
  /** The last offset before the gap. */
  readonly from: number
  /** Where the history goes on. */
  readonly epoch: string
  readonly position: Position
}

/** See {@link createLog}. */
export interface LogOptions {
  readonly about: TopicName
  /** The subject under which its messages are stored. */
  readonly subject: string
  /** The stream that stores them. */
  readonly stream: string
  readonly ring: Ring
  /** Whether it is the history of all rooms of a namespace, that is of its whole stream. Default false. */
  readonly wide?: boolean
  /** Live copies that may wait; at more all of them are dropped and read later. */
  readonly waitingMax: number
  /** It has members from before there was a history: they hold no position, and are told where it begins for them. Default false. */
  readonly tellsBegin?: boolean
  /** To everyone who is a member now. */
  readonly onMessage: (entry: RingEntry) => void
  /** Told to members before anything that comes after it. */
  readonly onGap: (gap: Gap) => void
  /** Messages up to this offset are missing. */
  readonly onMissing: (log: Log, upTo: number) => void
  /** Where it stands is in doubt: a check is needed. After a rollback one that finds another epoch. */
  readonly onDoubt: (log: Log, why: 'rollback' | 'overrun') => void
}

/** The history of one room or inbox, as far as this gateway follows it. */
export interface Log {
  readonly about: TopicName
  readonly subject: string
  readonly stream: string
  readonly ring: Ring
  readonly wide: boolean
  readonly phase: LogPhase
  /** Null before the first check. */
  readonly epoch: string | null
  /** How often it has begun anew: what was read for an earlier beginning is worth nothing, even under the same epoch. */
  readonly era: number
  /** The last message that members got; where none was known, the end of the stream at the first check. */
  readonly position: Position
  /** A later end of the stream at which nothing was missing, or the position: what a `join` is told. */
  readonly end: Position
  /** The offset of the room's last message; 0 if none is kept as far as is known. */
  readonly lastMessage: number
  /** The link's count of connects at which a check last found it right; -1 before any. */
  checkedOn: number
  /** Monotonic time at which it was found to have been rolled back; null where it is not. */
  rolledBackAt: number | null
  /** Its topic is gone. */
  closed: boolean
  /** A live copy. */
  receive(message: StoredInbound): void
  /** A check found the stream like this, with the room's last message, if any is kept. */
  checked(epoch: string, fence: Position, last: Position | null): void
  /** A repair has read these, in order, from behind the position on. */
  read(messages: readonly StoredInbound[]): void
  /** Nothing that is kept is missing up to there, though no message may stand there. */
  reach(position: Position): void
  /** Nothing more is missing: what has waited goes on. */
  resume(): void
  /** Begins anew under an epoch, whether it is another one or not: what members hold is worth nothing any more. */
  begin(epoch: string, fence: Position, last: Position | null): void
  /** A repair has given up: a check begins anew. */
  giveUp(): void
  /** What was missing can't be read: goes on behind it. */
  lose(reason: GapReason, position: Position): void
}

/** Makes a log that knows nothing yet. */
export function createLog(options: LogOptions): Log {
  return new RoomLog(options)
}

const NOWHERE: Position = { offset: 0, time: 0 }

class RoomLog implements Log {
  readonly about: TopicName
  readonly subject: string
  readonly stream: string
  readonly ring: Ring
  readonly wide: boolean
  phase: LogPhase = 'unknown'
  epoch: string | null = null
  era = 0
  position = NOWHERE
  fence = NOWHERE
  lastMessage = 0
  checkedOn = -1
  rolledBackAt: number | null = null
  closed = false
  #waiting: StoredInbound[] = []
  #overran = false
  /** The room's last message by the checks that came during a repair. */
  #lastSeen = 0
  /** Of all rooms: the last sequence at which nothing came, as it was deleted before it could be read. */
  #hole = 0
  readonly #options: LogOptions

  constructor(options: LogOptions) {
    this.about = options.about
    this.subject = options.subject
    this.stream = options.stream
    this.ring = options.ring
    this.wide = options.wide ?? false
    this.#options = options
  }

  get end(): Position {
    return this.fence.offset > this.position.offset ? this.fence : this.position
  }

  receive(message: StoredInbound): void {
    if (this.phase !== 'following') return this.#wait(message)
    switch (judgeNext(this.position, message.place)) {
      case 'next':
        return this.#accept(message)
      case 'duplicate':
        return
      case 'gap':
        this.phase = 'repairing'
        this.#wait(message)
        return this.#options.onMissing(this, message.place.prev)
      case 'rollback':
        // Servers' clocks differ: what an earlier leader stored may bear a later time than what came after it.
        if (this.ring.timeAt(message.place.offset) === message.place.time) return
        this.phase = 'unknown'
        this.#wait(message)
        return this.#options.onDoubt(this, 'rollback')
    }
  }

  checked(epoch: string, fence: Position, last: Position | null): void {
    if (this.epoch !== epoch) return this.begin(epoch, fence, last)
    this.fence = later(fence, last)
    if (this.phase === 'repairing') {
      // More may be missing than the repair looks for: seen to when that is done.
      this.#lastSeen = Math.max(this.#lastSeen, last?.offset ?? 0)
      return
    }
    if (last !== null && last.offset > this.position.offset) {
      this.phase = 'repairing'
      return this.#options.onMissing(this, last.offset)
    }
    this.resume()
  }

  read(messages: readonly StoredInbound[]): void {
    for (const message of messages) {
      const { offset, time } = message.place
      if (offset <= this.position.offset) continue
      // A read tells what it has read before, not what there was: here that is what we hold.
      this.#accept({ ...message, place: { offset, prev: this.lastMessage, time } })
    }
  }

  reach(position: Position): void {
    if (position.offset <= this.position.offset) return
    this.position = position
    this.#hole = position.offset
  }

  resume(): void {
    this.phase = 'following'
    const waiting = this.#waiting
    const overran = this.#overran
    this.#waiting = []
    this.#overran = false
    for (const message of waiting) if (!this.#isPast(message)) this.receive(message)
    if (this.phase === 'following' && this.#lastSeen > this.position.offset) {
      this.phase = 'repairing'
      this.#options.onMissing(this, this.#lastSeen)
    }
    if (overran) this.#options.onDoubt(this, 'overrun')
  }

  begin(epoch: string, fence: Position, last: Position | null): void {
    const from = this.position.offset
    const known = this.epoch !== null
    if (known && this.#waiting.length > 0) {
      // Some may be of the history that was: what is of this one is read.
      this.#waiting = []
      this.#overran = true
    }
    this.epoch = epoch
    this.era++
    this.rolledBackAt = null
    this.#lastSeen = 0
    this.fence = later(fence, last)
    this.#moveTo(last ?? this.fence, last?.time ?? null)
    this.lastMessage = last?.offset ?? 0
    if (known || this.#options.tellsBegin) this.#options.onGap({ reason: 'epoch', from, epoch, position: this.end })
    this.resume()
  }

  giveUp(): void {
    this.phase = 'unknown'
  }

  lose(reason: GapReason, position: Position): void {
    const from = this.position.offset
    this.#moveTo(position, null)
    this.lastMessage = position.offset
    this.#options.onGap({ reason, from, epoch: this.epoch ?? '', position })
  }

  /**
   * Whether a copy that has waited lies before what the leader has told since: whatever its time, it speaks of nothing new. One that the
   * ring contradicts does.
   */
  #isPast({ place: { offset, time } }: StoredInbound): boolean {
    const there = this.ring.timeAt(offset)
    return offset <= this.position.offset && (there === null || there === time)
  }

  #moveTo(position: Position, messageTime: number | null): void {
    this.position = position
    this.ring.restart(position.offset, messageTime)
  }

  #accept(message: StoredInbound): void {
    const { offset, prev, time } = message.place
    // What lay between was deleted before it could be read, which is no loss: members must not take it for one.
    const told = prev <= this.lastMessage ? message : { ...message, place: { offset, prev: this.lastMessage, time } }
    const { under } = told
    if (under !== undefined && offset > this.position.offset + 1) this.#hole = offset - 1
    this.position = { offset, time }
    this.lastMessage = offset
    // A message of its room that nobody got must not be told as one that they have missed.
    const known = under !== undefined && under.prev <= this.#hole ? { ...told, under: { ...under, prev: 0 } } : told
    this.#options.onMessage(this.ring.push(known))
  }

  #wait(message: StoredInbound): void {
    if (this.#waiting.length < this.#options.waitingMax) {
      // A kept view would keep all that one read of the socket has brought.
      this.#waiting.push({ ...message, payload: new Uint8Array(message.payload) })
      return
    }
    this.#waiting = []
    this.#overran = true
  }
}

function later(fence: Position, last: Position | null): Position {
  return last !== null && last.offset >= fence.offset ? last : fence
}
