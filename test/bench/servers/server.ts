// What every server of the benchmark is to the measuring: a process, a port for clients, how a client gets in, and how a message gets
// to it. Each has a NATS prefix of its own, so that what is published to one costs the others nothing.
import type { ClientPlan } from '../sink/orders.ts'

/** One server, ready for clients. */
export interface BenchServer {
  /** As the report calls it. */
  readonly name: string
  readonly pid: number
  readonly port: number
  /** A client that is in these rooms when it is open. */
  clientOf(at: number, rooms: readonly number[]): Promise<ClientPlan>
  /** Publishes one message to each room, all in one write. */
  publish(rooms: readonly number[]): void
  /** Bytes of a frame to its clients, header included; null where they differ from message to message. */
  readonly frameBytes: number | null
  /** Whether a frame holds a message in each line. */
  readonly linesAreMessages?: boolean
  /** What it does not promise as the gateway does, or does otherwise; for the report. */
  readonly differs?: string
}
