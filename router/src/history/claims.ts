// Which claim of a rollback a look at a stream has to judge. What gateways say is listened to only where a stream can have lost its end
// between two of our looks: a leader that goes on loses nothing that it has stored. Pure; who asks the leader is keep-end.ts.
import type { RollbackClaim } from '@sluice/proto'

/** What a look has found, as claims are held against it. */
export interface LookedAt {
  /** Another one is another leader, another term of it, or another connection of ours: the end may have been lost on the way. */
  readonly term: string
  readonly epoch: string
  readonly sequence: number
}

/** Claims about one stream. */
export interface Claims {
  hear(claim: RollbackClaim): void
  /**
   * A look was answered.
   *
   * @returns the claim that is to be held against the leader, null without one
   */
  looked(at: LookedAt): RollbackClaim | null
  /** A look was not answered: whoever answers the next one may have lost its end. */
  unanswered(): void
  /** A claim was found right and a new generation written: none is listened to before the next interruption. */
  settled(): void
}

/** Gateways find a rollback when they are back, or by a sweep within half a minute. At two seconds for each look this is a minute. */
const LISTENING_LOOKS = 30

/** Begins with a stream of which nothing is known: what it had before may be lost as well. */
export function createClaims(): Claims {
  let last: LookedAt | null = null
  let answered = true
  let looksLeft = 0
  /** What we saw ourselves before: a claim up to there is ours to judge, by what stood there. */
  let ownEnd = 0
  /** The one that reaches furthest. */
  let heard: RollbackClaim | null = null

  function listen(at: LookedAt): void {
    if (last !== null && last.epoch !== at.epoch) {
      // Whoever wrote a new generation, or made the stream anew, has dealt with what was before.
      looksLeft = 0
    } else if (last === null || !answered || last.term !== at.term) {
      // Interrupted again while we listen: what was lost at first may have been overgrown by now.
      if (looksLeft === 0) ownEnd = last?.sequence ?? 0
      looksLeft = LISTENING_LOOKS
    } else if (looksLeft > 0) looksLeft--
  }

  return {
    hear(claim) {
      // Only one of the present epoch counts, so that what is left of another history, or invented, displaces nothing.
      if (last === null || looksLeft === 0 || claim.epoch !== last.epoch) return
      if (heard === null || claim.offset > heard.offset || heard.epoch !== claim.epoch) heard = claim
    },
    looked(at) {
      listen(at)
      last = at
      answered = true
      if (heard === null) return null
      if (looksLeft > 0 && heard.epoch === at.epoch && heard.offset > ownEnd) return heard
      heard = null
      return null
    },
    unanswered() {
      answered = false
    },
    settled() {
      looksLeft = 0
      heard = null
    },
  }
}
