// Brings one connection from the position that it holds to where its room stands, then makes it a member in the same breath: nothing
// between is missed or doubled, however fast others publish. Paced by its socket: what is published meanwhile is read again
// later and never queued for it. Step 4 of the message path, for those who come late.
import { setTimeout as pause } from 'node:timers/promises'
import type { GapReason, Position } from '@sluice/proto'
import type { Fill, Fills } from './fills.ts'
import type { Gap, Log } from './log.ts'
import { judgeRecovery } from './recovered.ts'
import type { StreamSeen } from './repair.ts'
import type { RingEntry } from './ring.ts'
import { isWhole, judgeWildcard, WILDCARD_RECOVERED_MAX } from './wildcard-recovered.ts'

/** The connection that catches up, as this needs it. */
export interface Joiner {
  /** Whether it still wants to join. */
  readonly alive: boolean
  /** Whether what is live begins behind where the log stands: it is not so while a wildcard that it is in has still to bring older ones. */
  readonly level: boolean
  /** @returns whether it can take another before it is paced: its queue is bounded in bytes, and messages may be big */
  send(entry: RingEntry): boolean
  sendGap(gap: Gap): void
  /** Resolves when its socket has taken most of what waits for it. */
  paced(): Promise<void>
  /** Makes it a member; false if it is gone. */
  finish(): boolean
}

/** What it asked for. */
export interface CatchUpWish {
  readonly since: { readonly epoch: string; readonly offset: number; readonly time: number | undefined } | null
  /** Last messages wanted where there is no `since`, or where it can't be recovered; 0 for none. */
  readonly last: number
}

/** What its `ok` says. */
export interface CaughtUp {
  readonly epoch: string
  readonly end: Position
  /** Null where there was nothing to recover from. */
  readonly recovered: boolean | null
}

/** See {@link catchUp}. */
export interface CatchUpOptions {
  readonly fills: Fills
  readonly stream: (log: Log) => Promise<StreamSeen | null>
}

/** The log is in doubt, or being repaired, for longer than a request may take. */
export class HistoryLate extends Error {
  override readonly name = 'HistoryLate'
}

/** Sent in one turn to one connection: others have theirs between. */
const ENTRIES_PER_TURN = 64
/** Ten seconds in all. */
const SETTLED_WAIT_MS = 10
const SETTLED_WAITS_MAX = 1000

/**
 * Runs until the connection is a member.
 *
 * @param log - checked, at or above `since`
 * @returns null if the connection is gone
 * @throws where what it needs can't be read; it is no member then
 */
export async function catchUp(
  joiner: Joiner,
  log: Log,
  wish: CatchUpWish,
  options: CatchUpOptions,
): Promise<CaughtUp | null> {
  const run = new CatchUp(joiner, log, wish, options)
  return run.run()
}

class CatchUp {
  readonly #joiner: Joiner
  readonly #log: Log
  readonly #wish: CatchUpWish
  readonly #options: CatchUpOptions
  #epoch: string
  #era: number
  /** Everything up to there was sent, or is told not to be. */
  #cursor: { readonly offset: number; readonly time: number | undefined }
  #recovered: boolean | null = null
  /** The next read tells how much there is to recover, which is bounded for all rooms of a namespace. */
  #counts = false
  /** Read behind the cursor, and not in the ring. */
  #page: RingEntry[] = []
  #pageTo = 0
  #waits = 0

  constructor(joiner: Joiner, log: Log, wish: CatchUpWish, options: CatchUpOptions) {
    this.#joiner = joiner
    this.#log = log
    this.#wish = wish
    this.#options = options
    this.#epoch = log.epoch ?? ''
    this.#era = log.era
    this.#cursor = log.position
  }

  async run(): Promise<CaughtUp | null> {
    await this.#begin()
    for (;;) {
      if (!this.#joiner.alive) return null
      if (this.#log.era !== this.#era) this.#jump('epoch')
      if (this.#cursor.offset < this.#log.position.offset || this.#page.length > 0) await this.#step()
      else if (this.#log.phase === 'following' && this.#joiner.level) return this.#finish()
      else await this.#settled()
    }
  }

  /** Sends, or reads what is to be sent. Paced before it, as one connection may catch up in many rooms at once. */
  async #step(): Promise<void> {
    await this.#joiner.paced()
    if (!this.#joiner.alive || this.#log.era !== this.#era || this.#sendSome()) return
    const gap = await this.#fill()
    if (gap !== null) this.#jump(gap)
  }

  async #begin(): Promise<void> {
    const { since, last } = this.#wish
    const gap = since === null ? null : await this.#beginAt(since)
    if (since !== null && gap === null) return
    const first = last > 0 ? await this.#beginWith(last) : null
    if (since === null || gap === null) return
    this.#recovered = false
    if (this.#log.era !== this.#era) {
      // Whoever loops tells of the new one.
      this.#cursor = since
      return
    }
    // What is kept begins where the client is told to stand.
    const position = first === null ? this.#stand() : { offset: this.#cursor.offset, time: first.time }
    this.#joiner.sendGap({ reason: gap, from: since.offset, epoch: this.#epoch, position })
  }

  /** Begins at the client's position; what stands in the way, if anything does. */
  async #beginAt(since: NonNullable<CatchUpWish['since']>): Promise<GapReason | null> {
    if (since.epoch !== this.#epoch) return 'epoch'
    if (since.offset > this.#log.end.offset) return 'ahead'
    this.#recovered = true
    this.#cursor = since
    this.#counts = this.#log.wide
    const gap = this.#log.ring.from <= since.offset ? this.#judgeInRing(since) : await this.#fill()
    if (gap !== null) this.#stand()
    return gap
  }

  /** The ring has everything behind the position, unless another message stands there than the client saw. */
  #judgeInRing({ offset, time }: { readonly offset: number; readonly time: number | undefined }): GapReason | null {
    const { ring } = this.#log
    const next = ring.from === offset ? undefined : ring.after(offset - 1)?.[0]?.frames.message.place
    const there = ring.from === offset ? ring.timeAtFrom : next?.offset === offset ? next.time : null
    return there !== null && time !== undefined && there !== time ? 'mismatch' : null
  }

  /** Begins with the last messages; the place of the first of them. */
  async #beginWith(count: number): Promise<Position | null> {
    const { era, to, entries } = await this.#options.fills.last(this.#log, count)
    const first = entries[0]?.frames.message.place
    if (this.#log.era !== this.#era || era !== this.#era || first === undefined) return null
    this.#cursor = { offset: first.offset - 1, time: undefined }
    this.#page = [...entries]
    this.#pageTo = Math.max(entries.at(-1)?.frames.message.place.offset ?? 0, to)
    return first
  }

  /** Sends what is at hand behind the cursor; false if nothing is. */
  #sendSome(): boolean {
    if (this.#page.length > 0) {
      this.#page = this.#page.slice(this.#sendFrom(this.#page))
      if (this.#page.length === 0) this.#reach(this.#pageTo)
      return true
    }
    const entries = this.#log.ring.after(this.#cursor.offset)
    if (entries === null) return false
    if (this.#sendFrom(entries) === entries.length) this.#reach(this.#log.position.offset)
    return true
  }

  /** @returns how many it has seen to */
  #sendFrom(entries: readonly RingEntry[]): number {
    const most = Math.min(ENTRIES_PER_TURN, entries.length)
    for (let at = 0; at < most; at++) if (!this.#send(entries[at] as RingEntry)) return at + 1
    return most
  }

  #send(entry: RingEntry): boolean {
    const { offset, time } = entry.frames.message.place
    if (offset <= this.#cursor.offset) return true
    this.#cursor = { offset, time }
    return this.#joiner.send(entry)
  }

  #reach(offset: number): void {
    if (offset > this.#cursor.offset) this.#cursor = { offset, time: undefined }
  }

  /** Reads what lies behind the cursor, and proves that nothing between has gone; else says why not. */
  async #fill(): Promise<GapReason | null> {
    const held = this.#cursor
    const fill = await this.#options.fills.fill(this.#log, held.offset)
    // Another era is seen to by whoever loops, and what was read in one before it is read again.
    if (this.#log.era !== this.#era || fill.era !== this.#era || !this.#joiner.alive) return null
    // Read for another one, it has ended before where this one stands.
    if (fill.to < held.offset) return null
    const tooMany = this.#counts && fill.following - countUpTo(fill, held.offset) > WILDCARD_RECOVERED_MAX
    this.#counts = false
    const gap = tooMany ? 'too_many' : await this.#judge(held, fill)
    if (this.#log.era !== this.#era || gap !== null) return gap
    this.#page = fill.entries.filter((entry) => entry.frames.message.place.offset > held.offset)
    this.#pageTo = fill.to
    if (this.#page.length === 0) this.#reach(fill.to)
    const { ring } = this.#log
    const first = ring.entries[0]?.frames.message.place
    // Proven: the ring begins there for those who come next with the same position.
    if (first !== undefined && first.prev <= held.offset && held.offset < ring.from) ring.lower(held.offset)
    return null
  }

  async #judge(
    held: { readonly offset: number; readonly time: number | undefined },
    fill: Fill,
  ): Promise<GapReason | null> {
    const placeOf = ({ frames }: RingEntry) => frames.message.place
    const there = fill.entries.find((entry) => placeOf(entry).offset === held.offset)
    const evidence = {
      epoch: this.#epoch,
      end: this.#log.end.offset,
      timeAtHeld: there === undefined ? null : placeOf(there).time,
      following: fill.following - countUpTo(fill, held.offset),
      whole:
        this.#log.wide &&
        isWhole(
          fill.entries.map(({ frames }) => frames.message),
          held.offset,
          fill.to,
        ),
    }
    const judge = this.#log.wide ? judgeWildcard : judgeRecovery
    const judged = judge({ epoch: this.#epoch, ...held }, { ...evidence, stream: null })
    if (judged !== 'ask') return judged
    const stream = fill.stream ?? (await this.#options.stream(this.#log))
    if (stream === null || stream.epoch !== this.#epoch) return 'epoch'
    const asked = judge({ epoch: this.#epoch, ...held }, { ...evidence, stream })
    return asked === 'ask' ? 'expired' : asked
  }

  /** What lies behind the cursor can't be had: tells so, and goes on where the room stands. */
  #jump(reason: GapReason): void {
    const from = this.#cursor.offset
    this.#epoch = this.#log.epoch ?? ''
    this.#era = this.#log.era
    this.#page = []
    if (this.#recovered !== null) this.#recovered = false
    this.#joiner.sendGap({ reason, from, epoch: this.#epoch, position: this.#stand() })
  }

  /** Goes on where the room stands; whoever is told so hears everything behind it, so it is no end up to which the log is repaired yet. */
  #stand(): Position {
    const { phase, end, position } = this.#log
    this.#cursor = position
    return phase === 'following' ? end : position
  }

  /** A repair takes some milliseconds; one that takes seconds has NATS or a leader away. */
  async #settled(): Promise<void> {
    if (++this.#waits > SETTLED_WAITS_MAX) throw new HistoryLate(this.#log.stream)
    await pause(SETTLED_WAIT_MS)
  }

  #finish(): CaughtUp | null {
    if (!this.#joiner.finish()) return null
    return { epoch: this.#epoch, end: this.#log.end, recovered: this.#recovered }
  }
}

/** Messages of a read at or below an offset. */
function countUpTo({ entries }: Fill, offset: number): number {
  return entries.filter(({ frames }) => frames.message.place.offset <= offset).length
}
