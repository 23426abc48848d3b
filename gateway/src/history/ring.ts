// The latest messages of one room or inbox as frames that everyone shares: who comes back soon is served from here, and JetStream is
// not asked. An unbroken end of the history: nothing that it begins after is missing up to its last. Bounded in messages and bytes.
import type { StoredInbound } from '../backplane/inbound.ts'
import { createFrames, type Frames } from '../fanout/frames.ts'

/** One message with its frames. */
export interface RingEntry {
  readonly frames: Frames & { readonly message: StoredInbound }
  readonly bytes: number
}

/** See {@link createRing}. */
export interface RingBounds {
  readonly messagesMax: number
  readonly bytesMax: number
  /** Told of every change of what it holds, in bytes. */
  readonly onBytes: (change: number) => void
}

/** The end of a history. */
export interface Ring {
  /** All messages of the room above this offset, up to the last, are here. */
  readonly from: number
  /** The time of the room's message at `from`; null if none is known to be there. */
  readonly timeAtFrom: number | null
  readonly entries: readonly RingEntry[]
  /** Begins anew at an offset, empty. */
  restart(from: number, timeAtFrom: number | null): void
  /** A message behind all others; the oldest go where there is no room. */
  push(message: StoredInbound): RingEntry
  /**
   * Messages before all others: everything above `from` up to where the ring began.
   *
   * @returns whether there was room; if not, nothing has changed
   */
  prepend(from: number, timeAtFrom: number | null, entries: readonly RingEntry[]): boolean
  /** Entries above an offset; null where the ring begins after it. */
  after(offset: number): readonly RingEntry[] | null
  /** The time of the message at an offset; null where it is not here. */
  timeAt(offset: number): number | null
  /** It is known by now that nothing lies between this offset and where the ring begins. */
  lower(from: number): void
  /** Drops everything; the end stays where it is. */
  clear(): void
}

/** An entry's frames and objects beside its payload, which is held twice: as it came, and in the frame. */
const ENTRY_BYTES = 600

/** Makes an empty ring that begins at an offset. */
export function createRing({ messagesMax, bytesMax, onBytes }: RingBounds): Ring {
  let entries: RingEntry[] = []
  let from = 0
  let timeAtFrom: number | null = null
  let last = 0
  let bytes = 0

  function count(change: number): void {
    bytes += change
    onBytes(change)
  }

  function trim(): void {
    let gone = 0
    let freed = 0
    // The newest stays, however big: it is bounded by what a payload may be.
    while (entries.length - gone > 1 && (entries.length - gone > messagesMax || bytes - freed > bytesMax)) {
      const entry = entries[gone++] as RingEntry
      freed += entry.bytes
      const { place } = entry.frames.message
      from = place.offset
      timeAtFrom = place.time
    }
    if (gone === 0) return
    entries.splice(0, gone)
    count(-freed)
  }

  function drop(at: number, time: number | null): void {
    entries = []
    from = at
    timeAtFrom = time
    count(-bytes)
  }

  return {
    get from() {
      return from
    },
    get timeAtFrom() {
      return timeAtFrom
    },
    get entries() {
      return entries
    },
    restart(at, time) {
      drop(at, time)
      last = at
    },
    push(message) {
      const entry = entryOf(message)
      entries.push(entry)
      last = message.place.offset
      count(entry.bytes)
      trim()
      return entry
    },
    prepend(at, time, added) {
      if (at >= from) return false
      const addedBytes = added.reduce((sum, entry) => sum + entry.bytes, 0)
      if (entries.length + added.length > messagesMax || bytes + addedBytes > bytesMax) return false
      entries = [...added, ...entries]
      from = at
      timeAtFrom = time
      count(addedBytes)
      return true
    },
    after(offset) {
      if (offset < from) return null
      return entries.slice(firstAbove(entries, offset))
    },
    timeAt(offset) {
      if (offset === from) return timeAtFrom
      const place = entries[firstAbove(entries, offset) - 1]?.frames.message.place
      return place?.offset === offset ? place.time : null
    },
    lower(at) {
      if (at >= from) return
      from = at
      timeAtFrom = null
    },
    clear: () => drop(last, null),
  }
}

/** The index of the first entry above an offset. */
function firstAbove(entries: readonly RingEntry[], offset: number): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((entries[middle] as RingEntry).frames.message.place.offset > offset) high = middle
    else low = middle + 1
  }
  return low
}

/** Makes an entry. A message from NATS is a view of all that one read of the socket brought: kept, it must not keep the rest. */
export function entryOf(message: StoredInbound): RingEntry {
  const kept = { ...message, payload: new Uint8Array(message.payload) }
  return { frames: createFrames(kept) as RingEntry['frames'], bytes: ENTRY_BYTES + 2 * kept.payload.length }
}
