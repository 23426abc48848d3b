// Why messages were missed and cannot be recovered: what the frame `gap` tells, and why a `join` with `since` was not recovered.

/** Every reason of this release; a client takes one that it does not know like any other. */
export const GAP_REASONS = {
  /** The history is another one than that of the position: it was made anew, or has lost its end. */
  epoch: 'the history is another one',
  /** Messages behind the position are no longer kept. */
  expired: 'messages are no longer kept',
  /** The position lies behind the end of the history. */
  ahead: 'the position is ahead of the history',
  /** More messages lie behind the position than a join of all rooms of a namespace recovers. */
  too_many: 'more messages than are recovered at once',
  /** Another message stands at the position than the one that the client saw there. */
  mismatch: 'another message is at the position',
  /** The gateway has missed messages and cannot read them any more. */
  lost: 'messages were lost on the way',
  /** The client reads too slowly, in a namespace that drops. Stored ones may still be kept. */
  slow: 'the client reads too slowly',
} as const

/** Why there is a gap. */
export type GapReason = keyof typeof GAP_REASONS
