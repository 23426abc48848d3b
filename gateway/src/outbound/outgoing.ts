// What the outbox keeps of a connection and sees of its socket: flat, as there is one for each of many connections. Data alone; no queue is
// changed here. Step 5 of the message path.
import type { FrameSink } from './gathered-write.ts'

/** The part of a socket that the outbox writes to: a `net.Socket`. */
export interface Writable extends FrameSink {
  readonly writableNeedDrain: boolean
  readonly destroyed: boolean
  once(event: 'drain', listener: () => void): unknown
}

/** The fields that the outbox keeps on a connection. */
export interface Outgoing {
  readonly socket: Writable
  /** Frames not yet handed to the socket; null while there are none. */
  queue: Buffer[] | null
  queueBytes: number
  /** Whether it stands in the list of those to flush, or waits for its socket to drain. */
  queued: 'no' | 'dirty' | 'draining'
}

/** What waits for a connection, in its queue and in its socket. */
export function waitingBytes({ queueBytes, socket }: Outgoing): number {
  return queueBytes + socket.writableLength
}
