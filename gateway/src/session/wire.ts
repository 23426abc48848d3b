// Writes to a connection: frames into its outbox, closes in their order. Every close of a socket by the gateway goes through
// here, so that rooms are left at once and the peer gets what was meant for it before the close frame.
import type { CloseCode, RequestId, ServerFrame } from '@sluice/proto'
import type { Topics } from '../fanout/topics.ts'
import type { Wheel } from '../heartbeat/wheel.ts'
import type { Outbox } from '../outbound/outbox.ts'
import { buildFrame, OPCODE } from '../outbound/ws-frame.ts'
import type { Answer } from './answer.ts'
import { buildCallOk } from './call-answer.ts'
import type { Connection } from './connection.ts'
import { isLive } from './connection-state.ts'
import { buildHistoryOk } from './history-answer.ts'

/** See {@link createWire}. */
export interface WireOptions {
  readonly outbox: Outbox
  readonly topics: Pick<Topics, 'leaveAll'>
  readonly wheel: Wheel<Connection>
  /** A connection is about to leave everything, as the gateway closes it. */
  readonly onEnd: (connection: Connection) => void
  readonly counters: { readonly requestErrors: { add(label: string): void } }
}

/** What parts of the session write with. */
export interface Wire {
  send(connection: Connection, frame: ServerFrame): void
  /** Answers a request; without an id only a refusal is told. */
  answer(connection: Connection, id: RequestId | undefined, answer: Answer): void
  /** Answers a WebSocket ping. */
  pong(connection: Connection, payload: Uint8Array): void
  /** Closes with a code of the table, after what waits for the peer. */
  close(connection: Connection, code: CloseCode, reason: string): void
  /** Closes a peer that does not read: what waits is dropped. */
  closeSlow(connection: Connection): void
}

/** Makes the writing side of the session. */
export function createWire({ outbox, topics, wheel, onEnd, counters }: WireOptions): Wire {
  function send(connection: Connection, frame: ServerFrame): void {
    if (!isLive(connection.phase)) return
    const { codec } = connection
    outbox.push(connection, buildFrame(codec.binary ? OPCODE.binary : OPCODE.text, codec.encodeServer(frame)))
  }

  function end(connection: Connection, code: CloseCode, reason: string): void {
    connection.phase = 'closing'
    connection.closeCode = code
    connection.backlog = null
    wheel.cancel(connection)
    onEnd(connection)
    topics.leaveAll(connection)
    // Read on, or the peer's close frame would never be seen.
    if (connection.paused) {
      connection.paused = false
      connection.peer.resume()
    }
    connection.peer.close(code, reason)
  }

  return {
    send,
    answer(connection, id, answer) {
      if (!answer.ok) {
        counters.requestErrors.add(answer.code)
        const { code, message, retryAfterMs, details } = answer
        send(connection, {
          type: 'error',
          ...(id === undefined ? {} : { id }),
          code,
          message,
          ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
          ...(details === undefined ? {} : { details }),
        })
      } else if (id === undefined || !isLive(connection.phase)) return
      else if (answer.reply !== undefined)
        outbox.push(connection, buildCallOk(id, answer.reply, connection.codec.binary))
      else if (answer.messages === undefined) send(connection, { type: 'ok', id, ...answer.fields })
      else outbox.push(connection, buildHistoryOk(id, answer.fields, answer.messages, connection.codec.binary))
    },
    pong(connection, payload) {
      if (isLive(connection.phase)) outbox.push(connection, buildFrame(OPCODE.pong, payload))
    },
    close(connection, code, reason) {
      if (!isLive(connection.phase)) return
      outbox.finish(connection)
      end(connection, code, reason)
    },
    closeSlow(connection) {
      if (!isLive(connection.phase)) return
      outbox.discard(connection)
      end(connection, 4008, 'slow consumer')
    },
  }
}
