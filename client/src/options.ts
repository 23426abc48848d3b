// The options of the public calls, each with unit and default, and the defaults themselves.
import type { SocketConstructor } from './ambient.ts'
import type { Backoff } from './connection-state.ts'
import type { FrameCodec } from './frame-codec.ts'

/** The address of a gateway, or what asks for one; asked anew for each socket. */
export type Address = string | URL | (() => string | URL | Promise<string | URL>)

/** What a function that provides tokens is given. */
export interface TokenRequest {
  /** Aborted when the token is no longer wanted. */
  readonly signal: AbortSignal
}

/** A token, null for an anonymous connection, or what asks for one. */
export type TokenOption = string | null | ((request: TokenRequest) => string | null | Promise<string | null>)

/** How a client connects. All durations in milliseconds. */
export interface ConnectOptions {
  /**
   * Default null: anonymous. A function is asked before the first connection, and again when the token is about to expire or was
   * refused. If it fails, the client waits as after a lost connection, and asks again.
   */
  readonly token?: TokenOption
  /** Default JSON. `msgpack()` of `@sluice/client/msgpack` is the other one. */
  readonly codec?: FrameCodec
  /** Default the platform's. Node 20 has none: pass that of the package `ws`. */
  readonly WebSocket?: SocketConstructor
  /**
   * What is asked for while there is no connection waits for one: at most `max` requests (default 200), each at most `waitMs`
   * (default 60,000). `false`: it fails at once with `unavailable`.
   */
  readonly queue?: { readonly max?: number; readonly waitMs?: number } | false
  /**
   * Waits between attempts are drawn evenly from a window that begins at `minMs` (default 1000), doubles with each failure up to
   * `maxMs` (default 30,000), and begins anew after `stableMs` (default 10,000) of an open connection.
   */
  readonly backoff?: Partial<Backoff>
  /** For an answer, from the sending of the request. Default 15,000. */
  readonly timeoutMs?: number
  /** From the start of an attempt to `welcome`. Default 10,000. */
  readonly openTimeoutMs?: number
  /** For a token. Default 30,000. */
  readonly tokenTimeoutMs?: number
  /** So long before its end a token is replaced; at most a quarter of the time that it has. Default 60,000. */
  readonly tokenMarginMs?: number
  /** For a sign of life when the client has reason to doubt: after a sleep, when the network is back. Default 4000. */
  readonly probeMs?: number
  /** Closes the client when it is aborted. */
  readonly signal?: AbortSignal
}

/** What may be said of any request. */
export interface RequestOptions {
  /** Rejects with the signal's reason. What was sent already may have been done all the same. */
  readonly signal?: AbortSignal
  /** From now to the answer, waiting for a connection included. Default: see `queue.waitMs` and `timeoutMs`. */
  readonly timeoutMs?: number
}

/** How a message is sent to a user or a session. */
export interface SendOptions extends RequestOptions {
  /** 1 to 64 of `A-Z a-z 0-9 _ . -`. */
  readonly event?: string
  /**
   * What makes it the same message when it is sent again: it is stored once, within two minutes. 1 to 128 characters. Default: one
   * is made where there is a history.
   */
  readonly key?: string
  /** Live only, also where there is a history. Default false. */
  readonly ephemeral?: boolean
}

/** How a message is published into a room. */
export interface PublishOptions extends SendOptions {
  /** Whether this connection hears its own message. Default: as the namespace says. */
  readonly echo?: boolean
}

/** Which page of a history is asked for: the newest messages, or those before or after an offset, which is not included. */
export interface HistoryOptions extends RequestOptions {
  /** Messages, 1 to 1000. Default 100. */
  readonly limit?: number
  readonly before?: number
  /** Not together with `before`. */
  readonly after?: number
}

/** How an inbox is joined. */
export interface InboxOptions {
  /** Messages of the history to deliver first, 1 to 1000. Default none. */
  readonly history?: number
}

/** How a room is joined. */
export interface RoomOptions extends InboxOptions {
  /** Whether to see who is in the room. Default false. */
  readonly presence?: boolean
}

/** How a method of a service is called. */
export interface CallOptions extends RequestOptions {}

/** Every option with a number, filled in. */
export interface Settings {
  readonly queue: { readonly max: number; readonly waitMs: number }
  readonly backoff: Backoff
  readonly timeoutMs: number
  readonly openTimeoutMs: number
  readonly tokenTimeoutMs: number
  readonly tokenMarginMs: number
  readonly probeMs: number
}

/** Fills in the defaults. */
export function settingsOf(options: ConnectOptions): Settings {
  const queue = options.queue === false ? { max: 0 } : options.queue
  return {
    queue: { max: 200, waitMs: 60_000, ...queue },
    backoff: { minMs: 1000, maxMs: 30_000, stableMs: 10_000, ...options.backoff },
    timeoutMs: options.timeoutMs ?? 15_000,
    openTimeoutMs: options.openTimeoutMs ?? 10_000,
    tokenTimeoutMs: options.tokenTimeoutMs ?? 30_000,
    tokenMarginMs: options.tokenMarginMs ?? 60_000,
    probeMs: options.probeMs ?? 4000,
  }
}
