// What a room or inbox knows of itself on one socket: how far its join has come there. Holds it; what it means is the feed's.
import type { Cancel } from './ambient.ts'
import type { Position } from './chain.ts'
import type { Frame } from './server-frame.ts'

/** The feed on one socket. */
export interface Seat {
  phase: 'joining' | 'joined' | 'refused' | 'leaving'
  /** The position that the join gave back. */
  since: Position | null
  /** Whether a gap was told since then. */
  gap: boolean
  /** Messages that came for the join. */
  replayed: number
  failures: number
  /** Messages ahead of the position that came while the join was still unanswered, as in a room that a server has added. */
  readonly held: Frame[]
  /** Ends what it waits for. */
  pending: Cancel
  /** Told once the first join is answered. */
  settled: () => void
}

/** A seat whose join has not been sent yet. */
export function newSeat(settled: () => void): Seat {
  return {
    phase: 'joining',
    since: null,
    gap: false,
    replayed: 0,
    failures: 0,
    held: [],
    pending: () => undefined,
    settled,
  }
}
