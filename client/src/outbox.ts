// What the application asks for: sent at once where there is a connection, queued in order where there is none, and after a lost
// connection asked again where that cannot do anything twice. Owns the promises; a promise that nobody awaits stays quiet.
import { DEDUP_SECONDS } from '@sluice/proto'
import type { Ambient, Cancel } from './ambient.ts'
import type { Link } from './link.ts'
import type { RequestOptions, Settings } from './options.ts'
import { type Bucket, fullBucket, type Rate, rateOf, takeOne } from './publish-rate.ts'
import type { Answer, Requests } from './requests.ts'
import { countOf, type Frame } from './server-frame.ts'
import { SluiceError } from './sluice-error.ts'

/** What an outbox stands on. */
export interface OutboxOptions {
  readonly ambient: Ambient
  readonly requests: Requests
  readonly settings: Pick<Settings, 'queue' | 'timeoutMs'>
  /** Adds what is known only when it is sent: the user's own name, and a key where it is stored. */
  complete(frame: Frame, link: Link): Frame
  /** Whether what a frame carries would be stored, so that its key makes it once. */
  stores(frame: Frame): boolean
  /** Told of every `ok`, before its promise. */
  onOk(link: Link, asked: Frame, ok: Frame): void
}

/** Whether it can be asked again: `read` always, `keyed` where it is stored by its key, `once` never. */
export type Repeat = 'read' | 'keyed' | 'once'

interface Entry {
  readonly order: number
  readonly repeat: Repeat
  readonly explicit: boolean
  readonly resolve: (frame: Frame) => void
  readonly reject: (reason: unknown) => void
  frame: Frame
  firstSentAtMs: number | null
  timer: Cancel
  /** Forgets the answer; null while it is queued. */
  forget: Cancel | null
}

/** What a connection has in flight at most, if the gateway tells no limit: beyond it a gateway stops reading. */
const IN_FLIGHT_MAX = 64

/** Within it the gateway knows a key again, with a margin for the way. */
const REPEAT_WITHIN_MS = DEDUP_SECONDS * 1000 - 20_000

/** See the head of the file. */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #queue: Entry[] = []
  readonly #flying = new Set<Entry>()
  #order = 0
  #link: Link | null = null
  #rate: Rate = rateOf({})
  #bucket: Bucket = { tokens: 0, atMs: 0 }
  #refill: Cancel | null = null
  #closed: SluiceError | null = null

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** Resolves with the `ok`. */
  submit(frame: Frame, repeat: Repeat, { signal, timeoutMs }: RequestOptions = {}): Promise<Frame> {
    const promise = new Promise<Frame>((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason)
      if (this.#closed !== null) return reject(this.#closed)
      const snapshot = snapshotOf(frame)
      if (snapshot instanceof SluiceError) return reject(snapshot)
      const abort = (): void => this.#settle(entry, () => reject(signal?.reason))
      const unhook = (): void => signal?.removeEventListener('abort', abort)
      this.#order++
      const entry: Entry = {
        order: this.#order,
        repeat,
        explicit: timeoutMs !== undefined,
        resolve: (ok) => {
          unhook()
          resolve(ok)
        },
        reject: (reason) => {
          unhook()
          reject(reason)
        },
        frame: snapshot,
        firstSentAtMs: null,
        timer: () => undefined,
        forget: null,
      }
      signal?.addEventListener('abort', abort)
      this.#add(entry, timeoutMs ?? this.#options.settings.queue.waitMs)
    })
    // Marks it as handled: who awaits it hears of the failure all the same.
    promise.catch(() => undefined)
    return promise
  }

  /** A connection is there, its rooms are joined: what waits goes out. */
  open(link: Link): void {
    this.#link = link
    this.#rate = rateOf(link.welcome?.limits ?? {})
    this.#bucket = fullBucket(this.#rate, this.#options.ambient.nowMs())
    this.#flush()
  }

  /** A socket is gone, perhaps the one in use. Its requests are lost, which is told by those. */
  shut(link: Link | null): void {
    if (link !== this.#link) return
    this.#link = null
    this.#refill?.()
    this.#refill = null
  }

  /** Everything fails from now on. */
  close(error: SluiceError): void {
    this.#closed = error
    this.shut(this.#link)
    for (const entry of [...this.#queue, ...this.#flying]) this.#settle(entry, () => entry.reject(error))
  }

  #add(entry: Entry, waitMs: number): void {
    const { queue } = this.#options.settings
    this.#queue.push(entry)
    this.#flush()
    if (this.#flying.has(entry)) {
      if (entry.explicit) this.#expire(entry, waitMs)
      return
    }
    // It may have failed already.
    if (!this.#queue.includes(entry)) return
    if (this.#queue.length <= queue.max) return this.#expire(entry, waitMs)
    const full = queue.max > 0 || this.#link !== null
    const code = full ? 'queue_full' : 'unavailable'
    const error = new SluiceError(code, full ? `more than ${queue.max} requests wait` : 'there is no connection')
    this.#settle(entry, () => entry.reject(error))
  }

  #expire(entry: Entry, inMs: number): void {
    entry.timer = this.#options.ambient.timer(inMs, () =>
      this.#settle(entry, () => entry.reject(new SluiceError('timeout', 'not done in time'))),
    )
  }

  /** Sends from the queue's head while the gateway has room; so nothing overtakes what was asked before it. */
  #flush(): void {
    const link = this.#link
    if (link === null || this.#refill !== null) return
    const max = Math.min(IN_FLIGHT_MAX, countOf(link.welcome?.limits ?? {}, 'requestsInFlightMax') ?? IN_FLIGHT_MAX)
    for (;;) {
      const entry = this.#queue[0]
      if (entry === undefined || this.#flying.size >= max || this.#link !== link) return
      if (entry.repeat !== 'read') {
        const taken = takeOne(this.#bucket, this.#rate, this.#options.ambient.nowMs())
        if (typeof taken === 'number') {
          this.#refill = this.#options.ambient.timer(taken, () => {
            this.#refill = null
            this.#flush()
          })
          return
        }
        this.#bucket = taken
      }
      this.#queue.shift()
      this.#send(entry, link)
    }
  }

  #send(entry: Entry, link: Link): void {
    const { ambient, requests, settings, complete } = this.#options
    entry.frame = complete(entry.frame, link)
    entry.firstSentAtMs ??= ambient.nowMs()
    if (!entry.explicit) entry.timer()
    this.#flying.add(entry)
    entry.forget = () => undefined
    const forget = requests.ask(link, entry.frame, settings.timeoutMs, (answer) => {
      this.#answered(entry, link, answer)
      this.#flush()
    })
    // What cannot be encoded was answered already.
    if (this.#flying.has(entry)) entry.forget = forget
  }

  #answered(entry: Entry, link: Link, answer: Answer): void {
    if (answer.ok) {
      this.#options.onOk(link, entry.frame, answer.frame)
      this.#settle(entry, () => entry.resolve(answer.frame))
    } else if (answer.error.code === 'lost' && this.#repeatable(entry)) this.#again(entry)
    else this.#settle(entry, () => entry.reject(answer.error))
  }

  #repeatable({ repeat, frame, firstSentAtMs }: Entry): boolean {
    if (repeat === 'read') return true
    if (repeat === 'once' || frame.key === undefined || frame.ephemeral === true) return false
    const sinceMs = this.#options.ambient.nowMs() - (firstSentAtMs ?? 0)
    return sinceMs < REPEAT_WITHIN_MS && this.#options.stores(frame)
  }

  /** Back to its place in the queue, which its own bound no longer stops: it was in flight, and those are few. */
  #again(entry: Entry): void {
    this.#flying.delete(entry)
    entry.forget = null
    const at = this.#queue.findIndex(({ order }) => order > entry.order)
    this.#queue.splice(at === -1 ? this.#queue.length : at, 0, entry)
    const { waitMs } = this.#options.settings.queue
    if (!entry.explicit) this.#expire(entry, entry.repeat === 'keyed' ? Math.min(waitMs, REPEAT_WITHIN_MS) : waitMs)
  }

  /** Its one end. */
  #settle(entry: Entry, tell: () => void): void {
    const at = this.#queue.indexOf(entry)
    if (at !== -1) this.#queue.splice(at, 1)
    else if (!this.#flying.delete(entry)) return
    entry.timer()
    entry.forget?.()
    tell()
  }
}

/** The frame with its data as it is now: the application may change its objects while they wait. */
function snapshotOf(frame: Frame): Frame | SluiceError {
  if (!('data' in frame)) return frame
  const { data } = frame
  try {
    if (data instanceof ArrayBuffer) return { ...frame, data: new Uint8Array(data.slice(0)) }
    return { ...frame, data: data instanceof Uint8Array ? new Uint8Array(data) : JSON.parse(JSON.stringify(data)) }
  } catch (cause) {
    return new SluiceError('bad_request', 'the data cannot be told in JSON', { cause })
  }
}
