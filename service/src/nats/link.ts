// One connection to NATS under the client rules: our own connected flag, so that publishes fail fast instead of vanishing;
// callbacks that can't throw into the shared connection; fatal ends told to the process. It knows no rooms and no frames.
import { setTimeout as wait } from 'node:timers/promises'
import {
  headers as createHeaders,
  createInbox,
  errors,
  type Msg,
  type NatsConnection,
  type PublishOptions,
  type Status,
  type Subscription,
} from '@nats-io/transport-node'
import { createConfirm } from './confirm.ts'
import { createDenials, type Denials } from './denials.ts'
import { createUnconfirmed } from './unconfirmed.ts'

/** What happens on a link, told to its owner. None of them may throw. */
export interface LinkEvents {
  /** The link is usable again after a break; subscriptions have been sent again. */
  readonly onUp: (server: string) => void
  readonly onDown: (server: string) => void
  /** The server refused the credentials at a reconnect; the client goes on trying. */
  readonly onAuthorizationError: (error: Error) => void
  /** Anything else that the server or the client reported, permission violations among them. */
  readonly onError: (error: Error) => void
  /** A subscription's callback threw; the link lives on. */
  readonly onCallbackError: (error: unknown, subject: string) => void
  /** The server is about to stop; `leave` reconnects to another one. */
  readonly onLameDuck: (leave: () => void) => void
  /** The client gave up for good: the process must end and be started again. */
  readonly onClosed: (reason: Error | undefined) => void
}

/** A subscription. */
export interface Subscribed {
  /** Whether NATS has refused it for want of a permission; it hears nothing then, and known before a confirmation is. */
  readonly denied: boolean
  unsubscribe(): void
}

/** Headers of one message, by name. */
export type HeaderValues = Iterable<readonly [name: string, value: string]>

/** See {@link Link.request}. */
export interface RequestOptions {
  readonly timeoutMs: number
  readonly headers?: HeaderValues
}

/** One connection. */
export interface Link {
  /** Whether NATS can be reached as far as we know; a write may still be lost until it is confirmed. */
  readonly connected: boolean
  /** How often the link was made: 0 for the first connection, one more for each reconnect. */
  readonly connects: number
  /** Subscriptions that are open. */
  readonly subscriptions: number
  /**
   * Writes a message.
   *
   * @param reply - where answers go, for questions that have more than one
   * @returns false if the link is down, the server takes no payload of that size, or too much is on its way to a server that does not
   * read; nothing was written then
   */
  publish(subject: string, payload: Uint8Array, headers?: HeaderValues, reply?: string): boolean
  /**
   * One question, one answer.
   *
   * @throws the library's error where nobody answers, in time or at all, and at once while the link is down or full
   */
  request(subject: string, payload: Uint8Array, options: RequestOptions): Promise<Msg>
  /** A subject that nobody else hears. */
  inbox(): string
  /** Whether NATS has refused a publish to the subject for want of a permission; known before its confirmation is, and told once. */
  takeDenial(subject: string): boolean
  /** Opens a subscription, also while the link is down: it is sent at the reconnect. */
  subscribe(subject: string, deliver: (message: Msg) => void): Subscribed
  /** Whether NATS has taken everything written before; see confirm.ts. False at once while the link is down. */
  confirm(): Promise<boolean>
  /** Unsubscribes, lets callbacks run out, flushes and closes. */
  drain(): Promise<void>
}

/**
 * Takes over a connection that is open; see connect-link.ts.
 *
 * @param confirmWaitMs - see confirm.ts
 * @param drainWaitMs - how long the server may take to let go of us
 */
export function createLink(
  connection: NatsConnection,
  events: LinkEvents,
  { confirmWaitMs, drainWaitMs }: { readonly confirmWaitMs: number; readonly drainWaitMs: number },
): Link {
  let connected = true
  let connects = 0
  let draining = false
  let subscriptions = 0
  const confirm = createConfirm(connection, confirmWaitMs)
  const unconfirmed = createUnconfirmed(confirm)
  const denials = createDenials()

  const ended = (): void => {
    subscriptions--
  }
  const setConnected = (up: boolean): void => {
    connected = up
    if (up) connects++
    unconfirmed.reset()
    denials.clear()
  }
  void watchStatus(connection, { events, denials, setConnected })
  void connection.closed().then((reason) => {
    connected = false
    if (!draining) events.onClosed(reason instanceof Error ? reason : undefined)
  })

  return {
    get connected() {
      return connected && !draining
    },
    get connects() {
      return connects
    },
    get subscriptions() {
      return subscriptions
    },
    publish(subject, payload, headers, reply) {
      if (!connected || connection.isClosed() || !unconfirmed.admit(payload.length)) return false
      try {
        connection.publish(subject, payload, publishOptions(headers, reply))
        return true
      } catch (error) {
        events.onError(error as Error)
        return false
      }
    },
    takeDenial: denials.take,
    request(subject, payload, { timeoutMs, headers }) {
      if (!connected || !unconfirmed.admit(payload.length)) return Promise.reject(new errors.ClosedConnectionError())
      const options = headers === undefined ? {} : { headers: buildHeaders(headers) }
      return connection.request(subject, payload, { timeout: timeoutMs, ...options })
    },
    inbox: createInbox,
    subscribe(subject, deliver) {
      subscriptions++
      return new OpenSubscription(connection, subject, deliver, events, ended)
    },
    confirm: () => (connected ? confirm() : Promise.resolve(false)),
    async drain() {
      draining = true
      // Draining waits for the server, which may be away, fall silent, or go away meanwhile.
      if (connected) await Promise.race([connection.drain(), wait(drainWaitMs)]).catch(events.onError)
      await connection.close()
    },
  }
}

/** A class and one closure, as there is one for each user and room here. */
class OpenSubscription implements Subscribed {
  denied = false
  readonly #subscription: Subscription
  #onEnd: (() => void) | null

  /** @param onEnd - told once, when it is closed */
  constructor(
    connection: NatsConnection,
    subject: string,
    deliver: (message: Msg) => void,
    events: LinkEvents,
    onEnd: () => void,
  ) {
    this.#onEnd = onEnd
    this.#subscription = connection.subscribe(subject, {
      callback: (error, message) => {
        // A callback that throws would deafen every other subscription of this connection.
        try {
          if (error === null) deliver(message)
          // The status tells the error as well.
          else this.denied = true
        } catch (fault) {
          events.onCallbackError(fault, subject)
        }
      },
    })
  }

  unsubscribe(): void {
    if (this.#onEnd === null) return
    this.#onEnd()
    this.#onEnd = null
    this.#subscription.unsubscribe()
  }
}

interface Watchers {
  readonly events: LinkEvents
  readonly denials: Denials
  readonly setConnected: (up: boolean) => void
}

async function watchStatus(connection: NatsConnection, watchers: Watchers): Promise<void> {
  for await (const status of connection.status()) onStatus(status, connection, watchers)
}

function onStatus(status: Status, connection: NatsConnection, { events, denials, setConnected }: Watchers): void {
  switch (status.type) {
    case 'disconnect':
      setConnected(false)
      return events.onDown(status.server)
    case 'reconnect':
      setConnected(true)
      return events.onUp(status.server)
    case 'ldm':
      // The server may say so more than once, and the wait may outlive the link to it: one is left once.
      return events.onLameDuck(() => {
        const here = !connection.isClosed() && !connection.isDraining() && connection.getServer() === status.server
        if (here) void connection.reconnect()
      })
    case 'error':
      if (
        status.error instanceof errors.AuthorizationError ||
        status.error instanceof errors.UserAuthenticationExpiredError
      ) {
        return events.onAuthorizationError(status.error)
      }
      if (status.error instanceof errors.PermissionViolationError && status.error.operation === 'publish') {
        denials.add(status.error.subject)
      }
      return events.onError(status.error)
    default:
      return
  }
}

function publishOptions(headers?: HeaderValues, reply?: string): PublishOptions | undefined {
  if (headers === undefined && reply === undefined) return undefined
  return {
    ...(headers === undefined ? {} : { headers: buildHeaders(headers) }),
    ...(reply === undefined ? {} : { reply }),
  }
}

function buildHeaders(values: HeaderValues) {
  const built = createHeaders()
  for (const [name, value] of values) built.set(name, value)
  return built
}
