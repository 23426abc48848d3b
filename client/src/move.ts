// The pace of a move: when a client that was asked to go elsewhere begins, and how long the socket that it leaves is listened to.
// Pure.

/** Kept for the opening of the new socket and its joins: the old one closes when the time is over. At most half of the time. */
const RESERVE_MS = 5000

/** After the switch what was on its way to the old socket still arrives there. */
export const RETIRE_MS = 500

/** Looks for answers that are still to come on the old socket are so far apart. */
export const RETIRE_AGAIN_MS = 200

/** They are waited for so long at most. */
export const RETIRE_MAX_MS = 3000

/**
 * When to begin, in milliseconds from now: spread evenly over the time that the gateway gives, less what the move itself needs.
 *
 * @param afterMs - from the frame `move`
 * @param chance - from 0 to below 1
 */
export function moveDelayMs(afterMs: number, chance: number): number {
  return chance * (afterMs - Math.min(afterMs / 2, RESERVE_MS))
}
