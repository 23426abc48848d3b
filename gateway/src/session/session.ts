// The session: puts reading, requests, signing in and heartbeats together for each connection, from the upgraded socket to its
// end. Step 2 of the message path; what a newcomer reads after gateway.ts.
import type { GatewayId } from '@sluice/proto'
import type { Clock } from '@sluice/service/clock'
import type { Topics } from '../fanout/topics.ts'
import { type Due, type DueOptions, decideDue } from '../heartbeat/due.ts'
import type { Wheel } from '../heartbeat/wheel.ts'
import type { Outbox } from '../outbound/outbox.ts'
import { PING_FRAME } from '../outbound/ws-frame.ts'
import { isAfterClose } from './after-close.ts'
import type { Connection } from './connection.ts'
import { isLive } from './connection-state.ts'
import type { Connections } from './connections.ts'
import { leaveUnread } from './leave-unread.ts'
import type { Reader } from './reader.ts'
import type { SignIn } from './sign-in.ts'
import type { Wire } from './wire.ts'

/** See {@link createSession}. */
export interface SessionOptions {
  readonly connections: Connections
  readonly topics: Topics
  readonly outbox: Outbox
  readonly wheel: Wheel<Connection>
  readonly wire: Wire
  readonly reader: Reader
  readonly signIn: SignIn
  /** Takes from the bucket of frames that are no publish; refuses, and closes at too many refusals. */
  readonly afford: (connection: Connection) => boolean
  /** A connection is gone; `clean` if its client closed it as one does who leaves. Told before it leaves everything. */
  readonly onEnd: (connection: Connection, departure: 'clean' | 'broken') => void
  readonly clock: Clock
  readonly due: DueOptions
  /** Added to a token's end, as it is to every check of it. */
  readonly clockToleranceMs: number
  readonly counters: { readonly closes: { add(code: number): void } }
}

/** The events of a socket, as accept tells them. */
export interface Session {
  /** A socket was upgraded. Without a token it waits for `auth`, or signs in anonymously. */
  opened(connection: Connection, sign: { readonly token: string } | 'by-frame' | 'anonymously'): void
  message(connection: Connection, message: Buffer, binary: boolean): void
  ping(connection: Connection, payload: Buffer): void
  pong(connection: Connection): void
  /** The peer broke the WebSocket protocol: the socket is being closed with that code already. */
  broken(connection: Connection, code: number): void
  /** The socket is gone, with the code that the peer sent, or 1006. */
  closed(connection: Connection, code: number): void
  /** A sign-in or a refresh has moved what is due. */
  reschedule(connection: Connection): void
  /** Turns the wheel by one tick: pings, and closes of the silent, the late and the expired. */
  tick(): void
}

/** Makes the session of a gateway. */
export function createSession(options: SessionOptions): Session {
  const { connections, topics, outbox, wheel, wire, reader, signIn, clock } = options

  function heard(connection: Connection): void {
    connection.heardTick = wheel.tick
  }

  function decide(connection: Connection): Due | null {
    if (!isLive(connection.phase)) return null
    const expiresAt = connection.principal?.expiresAt ?? null
    return decideDue(
      {
        phase: connection.phase === 'waiting' && connection.authenticating ? 'verifying' : connection.phase,
        signInByTick: connection.signInByTick,
        endsAt: expiresAt === null ? null : expiresAt + options.clockToleranceMs,
        heardTick: connection.heardTick,
        pingedTick: connection.pingedTick,
        paused: connection.paused,
      },
      wheel.tick,
      clock.now(),
      options.due,
    )
  }

  function serve(connection: Connection): void {
    const due = decide(connection)
    if (due === null) return
    if (due.action === 'close') return wire.close(connection, due.code, due.reason)
    wheel.schedule(connection, due.ticks)
    if (due.action !== 'ping') return
    connection.pingedTick = wheel.tick
    outbox.push(connection, PING_FRAME)
  }

  function release(connection: Connection): void {
    connection.backlog = null
    wheel.cancel(connection)
    outbox.discard(connection)
    topics.leaveAll(connection)
  }

  return {
    opened(connection, sign) {
      connections.add(connection)
      serve(connection)
      if (sign === 'by-frame') return
      reader.hold(connection)
      const signed = sign === 'anonymously' ? signIn.anonymously(connection) : signIn.withToken(connection, sign.token)
      void signed.then(() => {
        if (isLive(connection.phase)) reader.proceed(connection)
      })
    },
    message(connection, message, binary) {
      if (isAfterClose(connection)) return
      reader.receive(connection, message, binary)
    },
    ping(connection, payload) {
      if (isAfterClose(connection)) return
      heard(connection)
      if (options.afford(connection)) wire.pong(connection, payload)
    },
    pong(connection) {
      if (isAfterClose(connection)) return
      heard(connection)
      options.afford(connection)
    },
    broken(connection, code) {
      options.onEnd(connection, 'broken')
      release(connection)
      connection.phase = 'closing'
      connection.closeCode ??= code
      // ws reads on and throws away, as fast as it comes, and does so once this event is over.
      setImmediate(leaveUnread, connection.peer)
    },
    closed(connection, code) {
      options.onEnd(connection, connection.closeCode === null && CLEAN_CODES.has(code) ? 'clean' : 'broken')
      release(connection)
      connection.phase = 'closed'
      connections.remove(connection)
      options.counters.closes.add(connection.closeCode ?? code)
    },
    reschedule: serve,
    tick() {
      for (const connection of wheel.advance()) serve(connection)
    },
  }
}

/** A client's close with one of these says that it leaves; 1005 is a close without a code. A page that is left closes with 1001. */
const CLEAN_CODES: ReadonlySet<number> = new Set([1000, 1005])

/** An id for this process, new at each start: `[A-Za-z0-9_-]`. */
export function newGatewayId(random: () => Uint8Array): GatewayId {
  return Buffer.from(random()).toString('base64url') as GatewayId
}
