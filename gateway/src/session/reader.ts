// The reading side of a connection: decodes frames one by one, and stops reading while the connection has as many requests in
// flight as it may have. A burst then waits in the kernel and at the peer; here waits at most what one read has brought.
import { type ClientFrameWithPayload, MALFORMED_FRAMES_MAX, type Parsed } from '@sluice/proto'
import { refusal } from './answer.ts'
import type { Connection } from './connection.ts'
import { isLive } from './connection-state.ts'
import type { createRequests } from './requests.ts'
import { createTurns } from './turns.ts'
import type { Wire } from './wire.ts'

/** See {@link createReader}. */
export interface ReaderOptions {
  readonly wire: Wire
  readonly requests: ReturnType<typeof createRequests>
  readonly requestsInFlightMax: number
  /** Frames of one connection that are handled in a turn of the event loop: then the others have theirs. */
  readonly framesPerTurnMax: number
  /** The wheel's tick, as the time of a sign of life. */
  readonly tick: () => number
  readonly counters: { framesIn: number; bytesIn: number }
}

/** Takes WebSocket messages of connections. */
export interface Reader {
  receive(connection: Connection, message: Buffer, binary: boolean): void
  /** Stops reading until {@link Reader.proceed}. */
  hold(connection: Connection): void
  /** Handles what was held back, as far as there is room, and reads on. */
  proceed(connection: Connection): void
}

/** Makes the reading side of the session. */
export function createReader(options: ReaderOptions): Reader {
  const { wire, requests, requestsInFlightMax, framesPerTurnMax, tick, counters } = options
  let workingOff: Connection | null = null
  const turns = createTurns<Connection>(framesPerTurnMax, (connection) => {
    if (isLive(connection.phase)) proceed(connection)
  })

  function canHandle(connection: Connection): boolean {
    return (
      connection.phase !== 'verifying' &&
      !connection.authenticating &&
      connection.inFlight < requestsInFlightMax &&
      !turns.isSpent(connection)
    )
  }

  function hold(connection: Connection): void {
    if (connection.paused) return
    connection.paused = true
    connection.peer.pause()
  }

  function handle(connection: Connection, message: Uint8Array): void {
    turns.count(connection)
    const parsed = connection.codec.decodeClient(message)
    if (parsed.ok) {
      connection.malformed = 0
      requests.handle(connection, parsed.frame)
    } else refuse(connection, parsed)
    if (isLive(connection.phase) && !canHandle(connection)) hold(connection)
  }

  function refuse(connection: Connection, refused: Exclude<Parsed<ClientFrameWithPayload>, { ok: true }>): void {
    // A type of a newer client is answered, not held against it, but costs its rate like any other frame.
    if (refused.reason === 'unknown' && !requests.afford(connection, refused.id)) return
    wire.answer(connection, refused.id, refusal('bad_request', refused.message))
    if (refused.reason === 'unknown') return
    connection.malformed++
    if (connection.malformed >= MALFORMED_FRAMES_MAX) wire.close(connection, 4000, 'malformed frames')
  }

  /** Frames that arrive while the backlog is worked off queue up behind it, so it stays in its place until it is empty. */
  function workOff(connection: Connection, backlog: Uint8Array[]): void {
    let taken = 0
    workingOff = connection
    while (taken < backlog.length && isLive(connection.phase) && canHandle(connection)) {
      handle(connection, backlog[taken] as Uint8Array)
      taken++
    }
    workingOff = null
    backlog.splice(0, taken)
  }

  function proceed(connection: Connection): void {
    // A request that is answered at once calls this from within.
    if (workingOff === connection) return
    const { backlog } = connection
    if (backlog !== null) {
      workOff(connection, backlog)
      if (!isLive(connection.phase) || backlog.length > 0) return
      connection.backlog = null
    }
    // Half of the room again, so that reading is not switched on and off with each answer.
    if (!connection.paused || !canHandle(connection) || connection.inFlight > requestsInFlightMax / 2) return
    connection.paused = false
    connection.heardTick = tick()
    connection.peer.resume()
  }

  return {
    hold,
    receive(connection, message, binary) {
      if (!isLive(connection.phase)) return
      counters.framesIn++
      counters.bytesIn += message.length
      connection.heardTick = tick()
      if (binary !== connection.codec.binary) {
        wire.close(connection, 1003, binary ? 'text frames are expected' : 'binary frames are expected')
      } else if (connection.backlog !== null || !canHandle(connection)) {
        connection.backlog ??= []
        connection.backlog.push(message)
        hold(connection)
      } else handle(connection, message)
    },
    proceed,
  }
}
