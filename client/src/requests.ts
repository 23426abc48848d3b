// Requests in flight: each has an id of its own, waits on the socket that it was sent on, and is answered exactly once: by the
// gateway, by time, or by the end of that socket. Answers are values; nothing here is a promise, so nothing can go unhandled.
import type { Ambient, Cancel } from './ambient.ts'
import type { FrameCodec } from './frame-codec.ts'
import type { Link } from './link.ts'
import { countOf, errorOf, type Frame } from './server-frame.ts'
import { SluiceError } from './sluice-error.ts'

/** What came of a request: its `ok`, or why not. */
export type Answer = { readonly ok: true; readonly frame: Frame } | { readonly ok: false; readonly error: SluiceError }

/** Told once, with the socket that the request was sent on. */
export type Answered = (answer: Answer) => void

interface Flight {
  readonly link: Link
  readonly answered: Answered
  readonly timer: Cancel
}

const encoder = new TextEncoder()

/** See the head of the file. One for a client; ids are never used twice, on whatever socket. */
export class Requests {
  readonly #ambient: Ambient
  readonly #codec: FrameCodec
  readonly #flights = new Map<number, Flight>()
  #id = 0

  constructor(ambient: Ambient, codec: FrameCodec) {
    this.#ambient = ambient
    this.#codec = codec
  }

  /**
   * Sends a request.
   *
   * @returns forgets it: its answer is then ignored
   */
  ask(link: Link, frame: object, timeoutMs: number, answered: Answered): Cancel {
    this.#id++
    const id = this.#id
    const encoded = link.over ? lost() : this.#encode({ ...frame, id }, link)
    if (encoded instanceof SluiceError) {
      answered({ ok: false, error: encoded })
      return () => undefined
    }
    const fail = (): void => this.#settle(id, { ok: false, error: new SluiceError('timeout', 'no answer in time') })
    this.#flights.set(id, { link, answered, timer: this.#ambient.timer(timeoutMs, fail) })
    link.send(encoded)
    return () => {
      this.#flights.get(id)?.timer()
      this.#flights.delete(id)
    }
  }

  /** An `ok` or `error`; false if nobody waits for it. */
  take(frame: Frame): boolean {
    if (typeof frame.id !== 'number' || !this.#flights.has(frame.id)) return false
    this.#settle(frame.id, frame.type === 'ok' ? { ok: true, frame } : { ok: false, error: errorOf(frame) })
    return true
  }

  /** A socket has ended: what waited on it is lost. */
  drop(link: Link): void {
    for (const [id, flight] of [...this.#flights]) {
      if (flight.link === link) this.#settle(id, { ok: false, error: lost() })
    }
  }

  /** How many wait on a socket. */
  waiting(link: Link): number {
    let count = 0
    for (const flight of this.#flights.values()) if (flight.link === link) count++
    return count
  }

  #settle(id: number, answer: Answer): void {
    const flight = this.#flights.get(id)
    if (flight === undefined) return
    this.#flights.delete(id)
    flight.timer()
    flight.answered(answer)
  }

  /** A frame that is too large would close the socket for good [P-8.6], so it is refused here. */
  #encode(frame: object, link: Link): string | Uint8Array | SluiceError {
    let encoded: string | Uint8Array
    try {
      encoded = this.#codec.encode(frame)
    } catch (cause) {
      return new SluiceError('bad_request', 'this cannot be encoded', { cause })
    }
    const max = countOf(link.welcome?.limits ?? {}, 'frameBytesMax')
    return max !== undefined && bytesOf(encoded) > max
      ? new SluiceError('too_large', `a frame has at most ${max} bytes`)
      : encoded
  }
}

function lost(): SluiceError {
  return new SluiceError('lost', 'the connection was lost before the answer')
}

function bytesOf(encoded: string | Uint8Array): number {
  return typeof encoded === 'string' ? encoder.encode(encoded).length : encoded.length
}
