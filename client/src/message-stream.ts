// A bounded queue between those who produce and a `for await` loop. A loop that falls behind is told so by an error: nothing is
// dropped in silence, and nothing grows without bound.
import { SluiceError } from './sluice-error.ts'

/** How a loop is bounded and ended. */
export interface StreamOptions {
  /** Messages that may wait for the loop. Default 1000, at least 1. */
  readonly max?: number
  /** Ends the loop, without an error. */
  readonly signal?: AbortSignal | undefined
}

const MAX_DEFAULT = 1000

/** See the head of the file. For one loop. */
export class MessageStream<value> implements AsyncIterableIterator<value> {
  readonly #waiting: value[] = []
  readonly #max: number
  readonly #leave: () => void
  #ended = false
  #error: unknown = null
  #wake: (() => void) | null = null

  /** @param readers - those who are handed values: it is among them until its end */
  constructor({ max = MAX_DEFAULT, signal }: StreamOptions, readers: Set<MessageStream<value>>) {
    this.#max = Math.max(1, max)
    const end = (): void => this.end()
    this.#leave = () => {
      signal?.removeEventListener('abort', end)
      readers.delete(this)
    }
    readers.add(this)
    signal?.addEventListener('abort', end)
    if (signal?.aborted === true) this.end()
  }

  /** Hands a value over. */
  push(value: value): void {
    if (this.#ended) return
    if (this.#waiting.length < this.#max) this.#waiting.push(value)
    else this.end(new SluiceError('overflow', `the loop is more than ${this.#max} messages behind`))
    this.#wake?.()
  }

  /** No more will come; what waits is still handed out, then the error, if there is one. */
  end(error: unknown = null): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    this.#leave()
    this.#wake?.()
  }

  async next(): Promise<IteratorResult<value, undefined>> {
    for (;;) {
      if (this.#waiting.length > 0) return { done: false, value: this.#waiting.shift() as value }
      if (this.#ended) {
        const error = this.#error
        this.#error = null
        if (error !== null) throw error
        return { done: true, value: undefined }
      }
      await new Promise<void>((resolve) => {
        // Two calls of `next` at once wait in turn: each wakes the one before it.
        const before = this.#wake
        this.#wake = () => {
          before?.()
          resolve()
        }
      })
      this.#wake = null
    }
  }

  /** The loop was left. */
  async return(): Promise<IteratorResult<value, undefined>> {
    this.#waiting.length = 0
    this.end()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
