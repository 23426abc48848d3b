// What an application holds: the client, its rooms, the user's inbox. Interfaces alone, so that what they promise stands in one
// place. No promise of theirs that nobody awaits becomes an unhandled rejection.

import type { Listener } from './emitter.ts'
import type { InboxEvents, Message, Presence, RoomEvents, RoomState, State } from './events.ts'
import type { StreamOptions } from './message-stream.ts'
import type {
  CallOptions,
  HistoryOptions,
  InboxOptions,
  PublishOptions,
  RequestOptions,
  RoomOptions,
  SendOptions,
} from './options.ts'
import type { Member } from './presence-view.ts'

/** What became of a message that was published or sent. */
export interface Receipt {
  /** Its place, where it was stored. */
  readonly offset?: number | undefined
  /** Whether the same key had stored it before. */
  readonly duplicate: boolean
}

/** A page of a history, oldest first. */
export interface HistoryPage {
  readonly messages: readonly Message[]
  /** Whether there are more in the direction of the question. */
  readonly more: boolean
}

/** What rooms and the inbox have in common. */
export interface Channel<events> {
  readonly state: RoomState
  /**
   * Adds a listener. One that throws harms nobody else.
   *
   * @returns removes it
   */
  on<name extends keyof events>(name: name, listener: Listener<events[name]>): () => void
  /**
   * Messages as a loop: `for await (const message of room.messages())`. It ends with the channel, and rejects with `overflow` when
   * it has fallen behind by more than `max`.
   */
  messages(options?: StreamOptions): AsyncIterableIterator<Message>
  /** Resolves when it is joined, rejects with why it is refused. */
  ready(options?: RequestOptions): Promise<void>
  /** Reads a page of its history. It need not be joined. */
  history(options?: HistoryOptions): Promise<HistoryPage>
  /** Leaves it. Another `room()` or `inbox()` joins it anew. */
  leave(): Promise<void>
}

/** A room, joined for as long as the client lives, whatever happens to its connections. */
export interface Room extends Channel<RoomEvents> {
  /** As the gateway writes it: `default:lobby` is `lobby`. */
  readonly name: string
  /** Who is in it, with `presence: true`; in a large room a sample. */
  readonly members: readonly Member[]
  /** How many members there are, with `presence: true`. */
  readonly count: number
  /**
   * Publishes a JSON value or bytes. Resolves when it is stored, or, in a room without history, when NATS has taken it.
   *
   * What is published while there is no connection waits for one. Where the room has a history it carries a key, so that it is stored
   * once, however often it must be sent; elsewhere a publish whose answer is lost rejects with `lost`.
   */
  publish(data: unknown, options?: PublishOptions): Promise<Receipt>
  /** Asks who is in it, without watching it. */
  presence(options?: RequestOptions): Promise<Presence>
}

/** Messages to the user itself. */
export interface Inbox extends Channel<InboxEvents> {}

/** What the client tells. */
export interface SluiceEvents {
  state: State
  /** A server has put this connection into a room. */
  added: Room
  /** What a listener has thrown, and errors that answer no request. Without a listener the platform is told. */
  error: unknown
}

/** Who a message is sent to: a user by name, or one of the two by its kind. */
export type Recipient = string | { readonly user: string } | { readonly session: string }

/** A client of Sluice. It connects at once, and again whenever a connection is lost, until it is closed. */
export interface Sluice {
  readonly state: State
  on<name extends keyof SluiceEvents>(name: name, listener: Listener<SluiceEvents[name]>): () => void
  /**
   * Joins a room, now and with every later connection. The same name gives the same room until it is left.
   *
   * @throws SluiceError `bad_request` for what is no name, `closed` after the end
   */
  room(name: string, options?: RoomOptions): Room
  /** The user's own messages. Without a history they come from `welcome` on; with one, once this was called. */
  inbox(options?: InboxOptions): Inbox
  /** Sends a JSON value or bytes to every connection of a user, or to one connection. */
  send(to: Recipient, data: unknown, options?: SendOptions): Promise<Receipt>
  /** Calls a method of a service; resolves with its answer. Never asked twice. */
  call(method: string, data: unknown, options?: CallOptions): Promise<unknown>
  /** Ends it. What waits rejects with `closed`. */
  close(reason?: string): void
}
