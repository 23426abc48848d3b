// Reads what lies before a log's ring for those who catch up: one read for all who ask in one turn or meanwhile, however many they
// are, and what fits goes into the ring for those who come later.
import { setImmediate as turn } from 'node:timers/promises'
import type { Log } from './log.ts'
import type { Reads } from './repair.ts'
import { entryOf, type RingEntry } from './ring.ts'
import { isWhole } from './wildcard-recovered.ts'

/** What a read has brought: all that is kept from `from` (inclusive) up to `to`. */
export interface Fill {
  /** The log's, when the read began: in another one it is worth nothing. */
  readonly era: number
  readonly from: number
  readonly to: number
  /** With frames that all who catch up share. */
  readonly entries: readonly RingEntry[]
  /** Messages of the room at or above `from`, in all. */
  readonly following: number
  /** The stream, looked up after the read, where no message stands at `from` to prove that nothing behind it has gone. */
  readonly stream: Awaited<ReturnType<Reads['stream']>>
}

/** The last messages. */
export interface Lasts {
  /** The log's, when the read began: in another one it is worth nothing. */
  readonly era: number
  /** Nothing is missing behind the first of them up to there. */
  readonly to: number
  readonly entries: readonly RingEntry[]
}

/** Reads for those who catch up. */
export interface Fills {
  /** From an offset, inclusive, or from before it, on. */
  fill(log: Log, from: number): Promise<Fill>
  /** The last messages up to where the log stands, or stood when another one asked for as many. */
  last(log: Log, count: number): Promise<Lasts>
}

interface Filling {
  from: number
  begun: boolean
  readonly done: Promise<Fill>
}

/** Makes them. */
export function createFills(reads: Reads): Fills {
  const filling = new Map<Log, Filling>()
  const lasting = new Map<Log, Map<number, Promise<Lasts>>>()

  async function read(log: Log, from: number): Promise<Fill> {
    const { ring, era } = log
    const end = ring.from
    const first = ring.entries[0]
    const upTo = first === undefined ? log.lastMessage : first.frames.message.place.prev
    // What the ring begins after is known as well: behind the room's last message there is nothing to read.
    // The ring's own count: as many as are kept of a room say that more may have been.
    if (from > upTo) return { era, from, to: end, entries: [], following: ring.entries.length, stream: null }
    const page = await reads.forward(log, from, upTo)
    const entries = page.messages.filter(({ place }) => place.offset <= end).map(entryOf)
    const last = entries.at(-1)
    // What the ring has was read as well, and tells that nothing between is kept.
    const whole = !page.more || (page.messages.at(-1)?.place.offset ?? 0) >= upTo
    const head = entries[0]
    const exact = head !== undefined && offsetOf(head) === from
    // Once for all who share this read, however many they are.
    const stream = exact ? null : await reads.stream(log)
    // Of all rooms of a namespace a hole may be a loss, which is judged for each reader.
    const certain = head !== undefined && (!log.wide || isWhole(page.messages, offsetOf(head), end))
    // Only what is certain goes into the ring: whether something before the first message has gone is for its reader to judge.
    if (whole && certain && !log.closed && log.era === era && ring.from === end) {
      if (exact) ring.prepend(from, head.frames.message.place.time, entries.slice(1))
      else ring.prepend(offsetOf(head) - 1, null, entries)
    }
    const to = whole ? end : last === undefined ? from : offsetOf(last)
    return { era, from, to, entries, following: page.following, stream }
  }

  async function readLast(log: Log, count: number): Promise<Lasts> {
    const { era, ring, position, lastMessage } = log
    const page = await reads.backward(log, position.offset + 1, count, lastMessage)
    const entries = page.messages.map(entryOf)
    const [first, last] = [entries[0], entries.at(-1)]
    const meets = last !== undefined && offsetOf(last) >= ring.from
    if (first !== undefined && meets && !log.closed && log.era === era) {
      const before = entries.filter((entry) => offsetOf(entry) <= ring.from)
      ring.prepend(offsetOf(first) - 1, null, before)
    }
    return { era, to: position.offset, entries }
  }

  return {
    async fill(log, from) {
      for (;;) {
        const known = filling.get(log)
        if (known === undefined) break
        if (!known.begun) known.from = Math.min(known.from, from)
        if (known.from <= from) return known.done
        await known.done.catch(() => undefined)
      }
      const mine: Filling = {
        from,
        begun: false,
        done: turn()
          .then(() => {
            mine.begun = true
            return read(log, mine.from)
          })
          .finally(() => filling.delete(log)),
      }
      filling.set(log, mine)
      return mine.done
    },
    last(log, count) {
      const { era, position, lastMessage } = log
      const { entries } = log.ring
      const complete = entries[0] !== undefined && entries[0].frames.message.place.prev === 0
      if (entries.length >= count || complete || lastMessage === 0) {
        return Promise.resolve({ era, to: position.offset, entries: entries.slice(-count) })
      }
      const all = lasting.get(log) ?? new Map<number, Promise<Lasts>>()
      lasting.set(log, all)
      const known = all.get(count)
      if (known !== undefined) return known
      const asked = readLast(log, count).finally(() => {
        all.delete(count)
        if (all.size === 0) lasting.delete(log)
      })
      all.set(count, asked)
      return asked
    },
  }
}

function offsetOf(entry: RingEntry): number {
  return entry.frames.message.place.offset
}
