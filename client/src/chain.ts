// Where the client stands in a history, and what each message means there. Pure. It is the client's own proof that nothing was
// missed: each message names the one before it, and a link that does not fit is a fault of the server.
import { judgeNext } from '@sluice/proto'

/** A place in a history, as it is given back to the gateway in `since`. */
export interface Position {
  readonly epoch: string
  readonly offset: number
  /** Of the message at `offset`, where it is known. */
  readonly time: number | undefined
}

/** What is known of a message's place. */
export interface Place {
  readonly offset: number
  readonly prev: number | undefined
  readonly time: number | undefined
}

/**
 * What a message is to one who stands at a position:
 * - `next`: it follows; the position is now at it
 * - `duplicate`: it was seen
 * - `broken`: others were missed before it; the position has not moved
 * - `rollback`: a newer message bears an offset that was passed; the position has not moved
 */
export type Verdict = 'next' | 'duplicate' | 'broken' | 'rollback'

/** A position that moves. */
export class Chain {
  /** Its epoch is empty while it is known from requested messages alone, which come before the `ok` that names the epoch. */
  #position: Position | null = null

  /** Null until the room has told that it has a history. */
  get position(): Position | null {
    return this.#position?.epoch === '' ? null : this.#position
  }

  /** The offset that messages are judged by; undefined while nothing is known. */
  get offset(): number | undefined {
    return this.#position?.offset
  }

  /** Judges a message and steps onto it if it follows. */
  step({ offset, prev, time }: Place): Verdict {
    const held = this.#position
    const next = { epoch: held?.epoch ?? '', offset, time }
    if (held === null) {
      this.#position = next
      return 'next'
    }
    const verdict = judgeNext(
      { offset: held.offset, time: held.time ?? time ?? 0 },
      { offset, prev: prev ?? 0, time: time ?? 0 },
    )
    if (verdict === 'gap') return 'broken'
    if (verdict === 'next') this.#position = next
    return verdict
  }

  /** The gateway has said where the stream is live, with the `ok` of a join. Never goes back within an epoch. */
  settle(position: Position): void {
    const held = this.#position
    if (held?.epoch === position.epoch && held.offset >= position.offset) return
    this.#position = position
  }

  /** What lies between is lost and told as such: stands there from now on. */
  jump(position: Position): void {
    this.#position = position
  }

  /** The same within the history that is being read. */
  skipTo(offset: number): void {
    this.#position = { epoch: this.#position?.epoch ?? '', offset, time: undefined }
  }

  /** Forgets it: the room has no history any more, or it is another's inbox. */
  forget(): void {
    this.#position = null
  }
}
