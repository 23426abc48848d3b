// What waits to be written: a queue for each connection, bounded in bytes, and one flush for each connection and event-loop
// turn. The system call is the cost of a delivery, so what one turn brings for a socket goes out in one write.
// Step 5 of the message path.
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { createDropOldest, type DropOldestOptions } from './drop-oldest.ts'
import { createGatheredWrite } from './gathered-write.ts'
import { type Outgoing, waitingBytes } from './outgoing.ts'

/** What the outbox counts; plain numbers, read by the metrics. */
export interface OutboxCounters {
  framesOut: number
  bytesOut: number
  /** Frames that were lost in the queues of slow readers. */
  deliveriesDropped: number
}

/** See {@link createOutbox}. */
export interface OutboxOptions {
  /** What may wait for one connection, its socket's own buffer included. */
  readonly queueBytesMax: number
  /** Connections flushed in a turn: each write costs some microseconds, and the loop must come round to NATS and timers. */
  readonly flushesPerTurn: number
  readonly counters: OutboxCounters
  /** See {@link DropOldestOptions.notice}. */
  readonly notice: DropOldestOptions['notice']
  /** Told once when a frame did not fit and nothing could be lost for it; the queue is gone then and nothing more is taken until the owner closes. */
  readonly onOverflow: (connection: Outgoing) => void
}

/** The queues of all connections. */
export interface Outbox {
  /**
   * Links a frame to a connection. Where there is no room, the oldest frames that may be lost make it.
   *
   * @returns false if it did not fit: the peer reads too slowly
   */
  push(connection: Outgoing, frame: Buffer): boolean
  /** Hands everything to the socket now, whatever it has buffered: before a close, so that the close frame comes last. */
  finish(connection: Outgoing): void
  /** Resolves in a later turn, when no more than this waits for a connection, or its socket is gone. */
  paced(connection: Outgoing, bytesMax: number): Promise<void>
  /** See `DropOldest.keep`. */
  keep(connection: Outgoing, source: object): void
  /** Forgets what waits. */
  discard(connection: Outgoing): void
  /** Bytes in all queues, sockets' own buffers not included. */
  readonly bytes: number
}

/** Makes the outbox of a gateway. */
export function createOutbox(options: OutboxOptions): Outbox {
  const { counters, queueBytesMax, flushesPerTurn, onOverflow } = options
  let dirty: Outgoing[] = []
  let scheduled = false
  let bytes = 0
  const writeGathered = createGatheredWrite()
  const slow = createDropOldest(options)

  function flushTurn(): void {
    const turn = dirty
    const end = Math.min(turn.length, flushesPerTurn)
    // The rest keeps its place before whatever becomes dirty meanwhile.
    dirty = turn.length > end ? turn.slice(end) : []
    scheduled = dirty.length > 0
    if (scheduled) setImmediate(flushTurn)
    for (let at = 0; at < end; at++) flush(turn[at] as Outgoing)
  }

  function flush(connection: Outgoing): void {
    if (connection.queued !== 'dirty') return
    connection.queued = 'no'
    if (connection.queue === null) return
    if (connection.socket.writableNeedDrain) {
      connection.queued = 'draining'
      connection.socket.once('drain', () => {
        if (connection.queued !== 'draining') return
        connection.queued = 'no'
        markDirty(connection)
      })
      return
    }
    write(connection)
  }

  function write(connection: Outgoing): void {
    const { queue, queueBytes, socket } = connection
    if (queue === null) return
    counters.framesOut += queue.length
    counters.bytesOut += queueBytes
    discard(connection)
    if (socket.destroyed) return
    if (queue.length === 1) socket.write(queue[0] as Buffer)
    else writeGathered(socket, queue, queueBytes)
  }

  function markDirty(connection: Outgoing): void {
    if (connection.queued !== 'no' || connection.queue === null) return
    connection.queued = 'dirty'
    dirty.push(connection)
    if (scheduled) return
    scheduled = true
    setImmediate(flushTurn)
  }

  function discard(connection: Outgoing): void {
    bytes -= connection.queueBytes
    connection.queue = null
    connection.queueBytes = 0
    slow.forget(connection)
  }

  /** @returns whether the frame may be pushed now */
  function makeRoom(connection: Outgoing, frame: Buffer): boolean {
    const before = connection.queueBytes
    const made = slow.makeRoom(connection, frame)
    bytes += connection.queueBytes - before
    if (made === 'full') {
      discard(connection)
      onOverflow(connection)
    } else if (made === 'dropped') markDirty(connection)
    return made === 'fits'
  }

  return {
    get bytes() {
      return bytes
    },
    push(connection, frame) {
      if (waitingBytes(connection) + frame.length > queueBytesMax && !makeRoom(connection, frame)) return false
      if (connection.queue === null) connection.queue = [frame]
      else connection.queue.push(frame)
      connection.queueBytes += frame.length
      bytes += frame.length
      markDirty(connection)
      return true
    },
    finish: write,
    paced,
    keep: slow.keep,
    discard,
  }
}

/** Between two looks at a socket that takes its time: `drain` would come late for one that is never quite full. */
const PACE_MS = 2
const PACE_MS_MAX = 256

async function paced(connection: Outgoing, bytesMax: number): Promise<void> {
  await turn()
  const { socket } = connection
  for (let waitMs = PACE_MS; !socket.destroyed && waitingBytes(connection) > bytesMax; waitMs *= 2) {
    await pause(Math.min(waitMs, PACE_MS_MAX))
  }
}
