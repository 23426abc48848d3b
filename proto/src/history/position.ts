// Where a reader of a room with history stands, and what the next message of it means. Pure; the same rule for gateways, clients and
// tests, so that nobody calls contiguous what another calls a gap.

/** A place in a history. */
export interface Position {
  /** The sequence of the stream: grows within a room, with holes. */
  readonly offset: number
  /** Unix time in milliseconds: of the room's message at `offset`, or at which the room was known to end there. */
  readonly time: number
}

/** What is known of a message of a room with history beside its content. */
export interface Placed extends Position {
  /** The offset of the room's message before it, as far as it was kept; 0 for none. */
  readonly prev: number
}

/**
 * What a message is to a reader:
 * - `next`: nothing lies between;
 * - `gap`: at least one message was missed, as `prev` is above what the reader holds;
 * - `duplicate`: it was seen;
 * - `rollback`: the history has lost its end and bears other messages under old offsets.
 */
export type Judgement = 'next' | 'gap' | 'duplicate' | 'rollback'

/**
 * Judges a message against the position that a reader holds. A `prev` below the position is no gap: older messages expire.
 *
 * @param held - offset 0 before anything
 */
export function judgeNext(held: Position, message: Placed): Judgement {
  if (message.offset <= held.offset) return message.time > held.time ? 'rollback' : 'duplicate'
  return message.prev > held.offset ? 'gap' : 'next'
}
