// Frames on their way to the watchers of a room, some watchers in each turn of the event loop: a blast to thousands must not keep
// anything else waiting. Those who began to watch later know more already; those who have ended hear nothing more.
import type { PresenceFrames, Watcher } from './presence-frames.ts'

/** Watchers of a room, each with the number of its begin: who ends and begins again has another one. */
export type Watchers = ReadonlyMap<Watcher, number>

/** What is told, and to whom. */
export interface TellingOptions {
  readonly frames: PresenceFrames
  readonly watchers: Watchers
  /** The last begin that it is told to. */
  readonly upTo: number
}

/** Frames that are being told; those of a room are told one after the other, so that each watcher has them in their order. */
export class Telling {
  readonly #options: TellingOptions
  readonly #to: readonly Watcher[]
  #at = 0

  constructor(options: TellingOptions) {
    this.#options = options
    // Of its own, as watchers end under the loop: one whose queue runs over is closed from within.
    this.#to = [...options.watchers].flatMap(([watcher, begun]) => (begun <= options.upTo ? watcher : []))
  }

  /**
   * Goes on.
   *
   * @param max - watchers at most
   * @returns how many that were
   */
  send(max: number): number {
    const { frames, watchers, upTo } = this.#options
    const from = this.#at
    const end = Math.min(from + max, this.#to.length)
    for (; this.#at < end; this.#at++) {
      const watcher = this.#to[this.#at] as Watcher
      if ((watchers.get(watcher) ?? Number.POSITIVE_INFINITY) <= upTo) frames.sendTo(watcher)
    }
    return end - from
  }

  /** Whether all have it. */
  get done(): boolean {
    return this.#at === this.#to.length
  }
}
