// A room or the inbox as the application holds it: listeners, loops, requests about it. What it is on the sockets is the feed's.
import type { Channel, HistoryPage } from './api.ts'
import { Emitter, type Listener } from './emitter.ts'
import type { Message, RoomEvents, RoomState } from './events.ts'
import { Feed, type FeedHost } from './feed.ts'
import { messageOf, type Target } from './feed-frames.ts'
import type { Wishes } from './feed-joins.ts'
import { MessageStream, type StreamOptions } from './message-stream.ts'
import type { HistoryOptions, RequestOptions } from './options.ts'
import type { Repeat } from './outbox.ts'
import { type Frame, framesOf } from './server-frame.ts'
import { SluiceError } from './sluice-error.ts'

/** What channels stand on. */
export interface ChannelHost extends FeedHost {
  /** See {@link Outbox.submit}. */
  submit(frame: Frame, repeat: Repeat, options?: RequestOptions): Promise<Frame>
  /** A listener has thrown. */
  fault(fault: unknown): void
}

/** Stands for the user's own name in a frame, until there is a connection that tells it. */
export const OWN = true

/** Messages of a page that is asked for without saying how many. */
const PAGE_MESSAGES = 100

/** See the head of the file. */
export class FeedChannel implements Channel<RoomEvents> {
  readonly feed: Feed
  protected readonly host: ChannelHost
  protected readonly events: Emitter<RoomEvents>
  readonly #target: Target
  readonly #streams = new Set<MessageStream<Message>>()

  constructor(host: ChannelHost, target: Target, wishes: Wishes) {
    this.host = host
    this.events = new Emitter((fault) => host.fault(fault))
    this.#target = target
    this.feed = new Feed(host, this.events, target, wishes)
    this.events.on('message', (message) => {
      for (const stream of [...this.#streams]) stream.push(message)
    })
    this.events.on('state', (state) => {
      if (state === 'left' || state === 'removed') this.end()
    })
  }

  get state(): RoomState {
    return this.feed.state
  }

  on<name extends keyof RoomEvents>(name: name, listener: Listener<RoomEvents[name]>): () => void {
    return this.events.on(name, listener)
  }

  messages(options: StreamOptions = {}): AsyncIterableIterator<Message> {
    const stream = new MessageStream(options, this.#streams)
    if (!this.feed.wanted) stream.end()
    return stream
  }

  ready({ signal, timeoutMs }: RequestOptions = {}): Promise<void> {
    const promise = new Promise<void>((resolve, reject) => {
      const cancels: (() => void)[] = []
      const done = (tell: () => void): void => {
        for (const cancel of cancels) cancel()
        tell()
      }
      const look = (): void => {
        const { state, error } = this.feed
        if (state === 'joined') return done(resolve)
        if (state === 'joining') return
        done(() => reject(error ?? new SluiceError('closed', `the room is ${state}`)))
      }
      const abort = (): void => done(() => reject(signal?.reason))
      if (signal?.aborted === true) return abort()
      signal?.addEventListener('abort', abort)
      cancels.push(this.events.on('state', look), () => signal?.removeEventListener('abort', abort))
      if (timeoutMs !== undefined) {
        const late = (): void => done(() => reject(new SluiceError('timeout', 'not joined in time')))
        cancels.push(this.host.ambient.timer(timeoutMs, late))
      }
      look()
    })
    return quiet(promise)
  }

  history(options: HistoryOptions = {}): Promise<HistoryPage> {
    const { limit = PAGE_MESSAGES, before, after, ...request } = options
    const name = 'room' in this.#target ? this.#target : { user: OWN }
    const frame = { type: 'history', ...name, limit, before, after }
    return quiet(this.host.submit(frame, 'read', request).then((ok) => pageOf(ok, this.#target)))
  }

  leave(): Promise<void> {
    return new Promise((resolve) => this.feed.leave(resolve))
  }

  /** Ends all loops, without an error: nothing more will come. */
  end(): void {
    for (const stream of [...this.#streams]) stream.end()
  }

  /** The client was closed. */
  close(error: SluiceError, asked: boolean): void {
    for (const stream of [...this.#streams]) stream.end(asked ? null : error)
    this.feed.close(error)
  }
}

/** Entries name neither room nor user; what cannot be delivered is none of the messages [P-16.9, P-16.11]. */
function pageOf(ok: Frame, target: Target): HistoryPage {
  const entries = framesOf(ok, 'messages').filter(({ withheld }) => withheld !== true)
  return { messages: entries.map((entry) => messageOf({ ...entry, ...target }, true)), more: ok.more === true }
}

/** The same promise, marked as handled: one that nobody awaits fails without a word. */
export function quiet<value>(promise: Promise<value>): Promise<value> {
  promise.catch(() => undefined)
  return promise
}
