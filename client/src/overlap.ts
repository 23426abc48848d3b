// While a client moves, two sockets hear the same live messages. Those without an offset have nothing that orders them, but their
// frames are the same on both: each is let through as often as the socket that has heard it more often has. Pure and bounded.

/** Different frames that are remembered. Beyond it the oldest are forgotten, and one of them might be doubled. */
const FRAMES_MAX = 2000

/** One of the two sockets. */
export type Side = 'old' | 'new'

/** The time in which both sockets are open. */
export class Overlap {
  readonly #heard = new Map<string, { old: number; new: number }>()

  /** Whether a frame that one of them has brought is to be delivered. */
  admits(side: Side, frame: object): boolean {
    const text = JSON.stringify(frame)
    const counts = this.#heard.get(text) ?? { old: 0, new: 0 }
    const before = Math.max(counts.old, counts.new)
    counts[side]++
    this.#heard.delete(text)
    this.#heard.set(text, counts)
    if (this.#heard.size > FRAMES_MAX) this.#heard.delete(this.#heard.keys().next().value ?? '')
    return counts[side] > before
  }
}
