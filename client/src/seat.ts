// What a room or inbox knows of itself on each of its sockets: how far its join has come there. Holds it; what it means is the feed's.
import type { Cancel } from './ambient.ts'
import type { Position } from './chain.ts'
import type { Link } from './link.ts'
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

/** The seats of one feed: one, and two during a move. */
export class Seats extends Map<Link, Seat> {
  /** The socket whose presence and gaps count: the last on which it was joined. */
  authority: Link | null = null

  /** A seat whose join has not been sent yet. */
  take(link: Link, settled: () => void): Seat {
    const seat: Seat = {
      phase: 'joining',
      since: null,
      gap: false,
      replayed: 0,
      failures: 0,
      held: [],
      pending: () => undefined,
      settled,
    }
    this.set(link, seat)
    return seat
  }

  /** The socket is gone. False if it had no seat. */
  vacate(link: Link): boolean {
    const seat = this.get(link)
    if (seat === undefined) return false
    seat.pending()
    this.delete(link)
    settle(seat)
    if (this.authority === link) {
      this.authority = null
      for (const [other, { phase }] of this) if (phase === 'joined') this.authority ??= other
    }
    return true
  }

  /** A listener may have left the room or closed the client, and a fault has it joined anew. */
  sits(link: Link, seat: Seat): boolean {
    return seat.phase !== 'leaving' && this.get(link) === seat
  }

  /** Gives up all of them. */
  stand(): void {
    for (const link of [...this.keys()]) this.vacate(link)
  }
}

/** The first join is answered, or never will be. */
export function settle(seat: Seat): void {
  const { settled } = seat
  seat.settled = () => undefined
  settled()
}
