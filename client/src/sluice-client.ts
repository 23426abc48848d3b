// The client: its rooms, its requests and its connection, put together. Read it first. Frames come in here and go to whom they are
// about; sockets come and go here and are joined and forgotten.
import { parseRoom } from '@sluice/proto'
import type { Ambient } from './ambient.ts'
import type { Inbox, Receipt, Recipient, Room, Sluice, SluiceEvents } from './api.ts'
import { type ChannelHost, FeedChannel, OWN, quiet } from './channel.ts'
import { Connection } from './connection.ts'
import type { End, Life } from './connection-state.ts'
import { Emitter, type Listener } from './emitter.ts'
import type { State } from './events.ts'
import { FeedRoom, receiptOf } from './feed-room.ts'
import { jsonCodec } from './frame-codec.ts'
import type { Link } from './link.ts'
import {
  type Address,
  type CallOptions,
  type ConnectOptions,
  type InboxOptions,
  type RoomOptions,
  type SendOptions,
  settingsOf,
} from './options.ts'
import { Outbox } from './outbox.ts'
import { Requests } from './requests.ts'
import { errorOf, type Frame, payloadOf, textOf } from './server-frame.ts'
import { SluiceError } from './sluice-error.ts'
import { TokenSource } from './token-source.ts'

/** Of a room's name, in UTF-8: the most that a gateway can be configured to. Held against the protocol's limits by a test. */
export const NAME_BYTES_MAX = 128

/** See the head of the file. */
export class SluiceClient implements Sluice {
  readonly #ambient: Ambient
  readonly #events: Emitter<SluiceEvents>
  readonly #requests: Requests
  readonly #outbox: Outbox
  readonly #connection: Connection
  readonly #host: ChannelHost
  readonly #rooms = new Map<string, FeedRoom>()
  #inbox: FeedChannel | null = null
  #state: State = { name: 'connecting' }
  #reporting = false

  constructor(address: Address, options: ConnectOptions, ambient: Ambient) {
    const settings = settingsOf(options)
    const { codec = jsonCodec, token = null } = options
    this.#ambient = ambient
    this.#events = new Emitter((fault) => this.#fault(fault))
    this.#requests = new Requests(ambient, codec)
    this.#outbox = new Outbox({
      ambient,
      settings,
      requests: this.#requests,
      complete: (frame, link) => this.#complete(frame, link),
      stores: (frame) => this.#stores(frame),
      onOk: (link, asked, ok) => this.#acknowledged(link, asked, ok),
    })
    const tokens = new TokenSource(token, ambient, settings)
    this.#connection = new Connection({ ambient, address, codec, tokens, settings }, this.#requests, {
      join: (link, joined) => this.#join(link, joined),
      ready: (link) => this.#outbox.open(link),
      received: (link, frame) => this.#received(link, frame),
      gone: (link) => this.#gone(link),
      turned: (life, link) => this.#turned(life, link),
    })
    this.#host = {
      ambient,
      requests: this.#requests,
      backoff: settings.backoff,
      timeoutMs: settings.timeoutMs,
      admits: (link, frame) => this.#connection.admits(link, frame),
      over: (feed) => {
        if ('room' in feed.target && this.#rooms.get(feed.target.room)?.feed === feed)
          this.#rooms.delete(feed.target.room)
        if (this.#inbox?.feed === feed) this.#inbox = null
      },
      submit: (frame, repeat, request) => this.#outbox.submit(frame, repeat, request),
      fault: (fault) => this.#fault(fault),
    }
    const { signal } = options
    // Later, so that what the application adds in the same turn hears of everything.
    queueMicrotask(() => {
      if (this.#connection.life.phase !== 'closed') this.#connection.start()
    })
    signal?.addEventListener('abort', () => this.close('aborted'), { once: true })
    if (signal?.aborted === true) this.close('aborted')
  }

  get state(): State {
    return this.#state
  }

  on<name extends keyof SluiceEvents>(name: name, listener: Listener<SluiceEvents[name]>): () => void {
    return this.#events.on(name, listener)
  }

  room(name: string, options: RoomOptions = {}): Room {
    this.#assertOpen()
    const parsed = parseRoom(name, NAME_BYTES_MAX)
    if (parsed === null) throw new SluiceError('bad_request', 'this is no name of a room')
    const room = this.#rooms.get(parsed.name)
    if (room === undefined) return this.#add(parsed.name, options)
    if (room.feed.want(options)) this.#attach(room)
    return room
  }

  inbox(options: InboxOptions = {}): Inbox {
    this.#assertOpen()
    if (this.#inbox !== null) {
      if (this.#inbox.feed.want(options)) this.#attach(this.#inbox)
      return this.#inbox
    }
    this.#inbox = new FeedChannel(this.#host, { user: true }, options)
    this.#attach(this.#inbox)
    return this.#inbox
  }

  send(to: Recipient, data: unknown, options: SendOptions = {}): Promise<Receipt> {
    const { event, key, ephemeral, ...request } = options
    const target = typeof to === 'string' ? { user: to } : to
    const frame = { type: 'send', ...target, data, event, key, ephemeral }
    return quiet(this.#outbox.submit(frame, 'keyed', request).then(receiptOf))
  }

  call(method: string, data: unknown, options: CallOptions = {}): Promise<unknown> {
    const { timeoutMs } = options
    return quiet(this.#outbox.submit({ type: 'call', method, data, timeoutMs }, 'once', options).then(payloadOf))
  }

  close(reason = 'closed by the application'): void {
    this.#connection.close(reason)
  }

  #add(name: string, options: RoomOptions): FeedRoom {
    const room = new FeedRoom(this.#host, name, options)
    this.#rooms.set(name, room)
    this.#attach(room)
    return room
  }

  #attach({ feed }: FeedChannel): void {
    for (const link of this.#connection.links) feed.attach(link, () => undefined)
  }

  get #channels(): FeedChannel[] {
    return [...(this.#inbox === null ? [] : [this.#inbox]), ...this.#rooms.values()]
  }

  /** Joins everything on a socket. One room that takes long does not keep all others, and what waits to be sent, for ever. */
  #join(link: Link, joined: () => void): void {
    let open = 1
    let told = false
    const done = (): void => {
      late()
      if (!told) joined()
      told = true
    }
    const one = (): void => {
      open--
      if (open === 0) done()
    }
    const late = this.#ambient.timer(this.#host.timeoutMs, done)
    for (const { feed } of this.#channels) {
      open++
      feed.attach(link, one)
    }
    one()
  }

  #gone(link: Link): void {
    this.#outbox.shut(link)
    this.#requests.drop(link)
    for (const { feed } of this.#channels) feed.detach(link)
  }

  #received(link: Link, frame: Frame): void {
    const room = textOf(frame, 'room')
    switch (frame.type) {
      case 'ok':
        this.#requests.take(frame)
        return
      case 'error':
        if (!this.#requests.take(frame) && frame.id === undefined) this.#fault(errorOf(frame))
        return
      case 'move':
        return this.#connection.move(link, frame)
      case 'added':
        return this.#added(link, room, frame)
      case 'removed':
        return this.#rooms.get(room ?? '')?.feed.removed(frame)
      default:
        if (room !== undefined) this.#rooms.get(room)?.feed.receive(link, frame)
        else if (textOf(frame, 'user') !== undefined) this.#inbox?.feed.receive(link, frame)
    }
  }

  #added(link: Link, name: string | undefined, frame: Frame): void {
    if (name === undefined) return
    const known = this.#rooms.get(name)
    if (known !== undefined) return known.feed.added(link, frame)
    const room = new FeedRoom(this.#host, name, {})
    this.#rooms.set(name, room)
    room.feed.added(link, frame)
    this.#events.emit('added', room)
  }

  /** One's own message that is not echoed takes its place in the chain by its `ok`. */
  #acknowledged(link: Link, asked: Frame, ok: Frame): void {
    if (asked.type !== 'publish' || asked.echo === true || ok.prev === undefined) return
    this.#rooms.get(textOf(asked, 'room') ?? '')?.feed.placed(link, ok)
  }

  /** A room that has told a position has a history; what is sent to users is stored where one's own inbox has one. */
  #stores(frame: Frame): boolean {
    const channel = frame.type === 'publish' ? this.#rooms.get(textOf(frame, 'room') ?? '') : this.#inbox
    return frame.session === undefined && (channel?.feed.history.position ?? null) !== null
  }

  #complete(frame: Frame, link: Link): Frame {
    if (frame.user === OWN) return { ...frame, user: link.welcome?.user }
    const keyed = frame.type === 'publish' || frame.type === 'send'
    if (!keyed || frame.key !== undefined || frame.ephemeral === true || !this.#stores(frame)) return frame
    return { ...frame, key: this.#ambient.newKey() }
  }

  #turned(life: Life, link: Link | null): void {
    this.#state = stateOf(life, link)
    if (life.phase === 'closed') this.#closed(life.end)
    this.#events.emit('state', this.#state)
  }

  #closed({ code, reason }: End): void {
    const error = new SluiceError('closed', reason === '' ? `the connection was closed with ${code}` : reason)
    this.#outbox.close(error)
    for (const channel of this.#channels) channel.close(error, code === 1000)
  }

  #assertOpen(): void {
    if (this.#connection.life.phase === 'closed') throw new SluiceError('closed', 'the client is closed')
  }

  #fault(fault: unknown): void {
    // A listener of `error` that throws is not told to itself.
    if (this.#reporting || !this.#events.has('error')) return this.#ambient.report(fault)
    this.#reporting = true
    this.#events.emit('error', fault)
    this.#reporting = false
  }
}

function stateOf(life: Life, link: Link | null): State {
  const { session = '', user = '', gateway = '' } = link?.welcome ?? {}
  if (life.phase === 'open') return { name: 'open', session, user, gateway }
  if (life.phase === 'waiting') return { name: 'waiting', retryInMs: life.waitMs, ...life.end }
  return life.phase === 'closed' ? { name: 'closed', ...life.end } : { name: 'connecting' }
}
