// Frames that came and were not taken yet, and who waits for one that has not come. Says what came instead when nothing fits in time.
import { Broken, shown } from './expectation.ts'
import type { Frame } from './frame-codec.ts'

interface Waiter {
  fits(frame: Frame): boolean
  take(frame: Frame): void
  give(end: string): void
}

/** Frames of a failure message. */
const SHOWN_FRAMES = 5

/** The queue of one socket. */
export class FrameQueue {
  #unread: Frame[] = []
  readonly #waiters = new Set<Waiter>()
  /** Why nothing more comes; null while something may. */
  #end: string | null = null

  /** A frame goes to the first who waits for it, or is kept. */
  push(frame: Frame): void {
    for (const waiter of this.#waiters) {
      if (!waiter.fits(frame)) continue
      waiter.take(frame)
      return
    }
    this.#unread.push(frame)
  }

  /** Nothing more comes: whoever waits is told why. */
  close(end: string): void {
    this.#end = end
    for (const waiter of this.#waiters) waiter.give(end)
  }

  /** Forgets what was not taken, so that what is awaited next is new. */
  forget(): void {
    this.#unread = []
  }

  /** The next frame that was not taken and fits, come already or within the time. `what` names it for the report. */
  next(fits: (frame: Frame) => boolean, what: string, timeoutMs: number): Promise<Frame> {
    const at = this.#unread.findIndex(fits)
    const [found] = at === -1 ? [] : this.#unread.splice(at, 1)
    if (found !== undefined) return Promise.resolve(found)
    if (this.#end !== null) return Promise.reject(this.broken(what, this.#end))
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#waiters.delete(waiter)
      }
      const waiter: Waiter = {
        fits,
        take: (frame) => {
          end()
          resolve(frame)
        },
        give: (why) => {
          end()
          reject(this.broken(what, why))
        },
      }
      const timer = setTimeout(() => waiter.give(`nothing within ${timeoutMs} ms`), timeoutMs)
      this.#waiters.add(waiter)
    })
  }

  /** A failure that tells what came last beside it. */
  broken(what: string, came: string): Broken {
    return new Broken(what, `${came}; unread: ${shown(this.#unread.slice(-SHOWN_FRAMES))}`)
  }
}
