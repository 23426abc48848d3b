// Whether who held a position in all rooms of a namespace has missed nothing that can't be given to it. The rooms of a namespace are the
// whole of its stream, so that what follows is whole where no sequence is missing. Pure; evidence is looked up after what it is about.
import type { GapReason } from '@sluice/proto'
import type { StoredInbound } from '../backplane/inbound.ts'
import type { HeldPosition, StreamEvidence } from './recovered.ts'

/** Messages that a join of all rooms recovers at most: a second or two of a busy namespace. */
export const WILDCARD_RECOVERED_MAX = 1000

/** What is known of a namespace's history. */
export interface WildcardEvidence {
  readonly epoch: string
  /** The last offset that is known to have been stored. */
  readonly end: number
  /** The time of the message at the held offset; null where none is kept there. */
  readonly timeAtHeld: number | null
  /** Whether every sequence above the held one was read. */
  readonly whole: boolean
  /** Null where it was not needed. */
  readonly stream: (StreamEvidence & { readonly lastSequence: number }) | null
}

/**
 * Judges what became of everything above a held position.
 *
 * @returns null if all of it is there; `ask` if that depends on the stream and `stream` is null
 */
export function judgeWildcard(held: HeldPosition, evidence: WildcardEvidence): GapReason | 'ask' | null {
  const { epoch, end, timeAtHeld, whole, stream } = evidence
  if (held.epoch !== epoch) return 'epoch'
  if (held.offset > end) return 'ahead'
  if (timeAtHeld !== null && held.time !== undefined && held.time !== timeAtHeld) return 'mismatch'
  if (whole) return null
  if (stream === null) return 'ask'
  // Deleted is no loss, pushed out is. Where all that follows is less than one room keeps, no room can have pushed anything out.
  if (stream.lastSequence - held.offset >= stream.messagesPerSubject) return 'expired'
  if (stream.firstSequence <= held.offset + 1) return null
  return held.time !== undefined && stream.now - held.time < stream.ageMs ? null : 'expired'
}

/**
 * Whether messages leave out no sequence.
 *
 * @param from - exclusive
 * @param to - inclusive
 */
export function isWhole(messages: readonly StoredInbound[], from: number, to: number): boolean {
  let at = from
  for (const { place } of messages) {
    if (place.offset <= from) continue
    if (place.offset !== at + 1) return false
    at = place.offset
  }
  return at >= to
}
