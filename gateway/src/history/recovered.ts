// Whether a reader that held a position has missed nothing that can't be given to it: the rule of "recovered". Pure; what it is told
// must have been read after whatever it speaks of, or something could vanish between.
import type { GapReason } from '@sluice/proto'

/** A position that a client or a log holds. */
export interface HeldPosition {
  readonly epoch: string
  readonly offset: number
  /** Unix time of the message there, or at which the room was known to end there; undefined where a client did not keep it. */
  readonly time: number | undefined
}

/** What is known of the history. */
export interface HistoryEvidence {
  readonly epoch: string
  /** The last offset that is known to have been stored. */
  readonly end: number
  /** The time of the room's message at the held offset; null where none is kept there. */
  readonly timeAtHeld: number | null
  /** Messages of the room that are kept above the held offset. */
  readonly following: number
  /** Of the stream: all rooms together. Looked up after `following` was read; null where it was not needed. */
  readonly stream: StreamEvidence | null
}

/** What the stream's leader told. */
export interface StreamEvidence {
  readonly firstSequence: number
  readonly messagesPerSubject: number
  readonly ageMs: number
  /** The leader's time. */
  readonly now: number
}

/**
 * Judges what became of everything above a held position.
 *
 * @returns null if all of it is there; `ask` if that depends on the stream and `stream` is null
 */
export function judgeRecovery(held: HeldPosition, evidence: HistoryEvidence): GapReason | 'ask' | null {
  if (held.epoch !== evidence.epoch) return 'epoch'
  if (held.offset > evidence.end) return 'ahead'
  if (evidence.timeAtHeld !== null) {
    // The very message is there, so nothing behind it can have gone: the oldest go first.
    return held.time === undefined || held.time === evidence.timeAtHeld ? null : 'mismatch'
  }
  const { stream } = evidence
  if (stream === null) return 'ask'
  if (evidence.following >= stream.messagesPerSubject) return 'expired'
  if (stream.firstSequence <= held.offset + 1) return null
  // In a quiet room other rooms evict nothing, and nothing that came later is older.
  return held.time !== undefined && stream.now - held.time < stream.ageMs ? null : 'expired'
}
