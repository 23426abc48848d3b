// The source: publishes the messages of a turn to NATS, as a backend service does. It lives in the benchmark's own process,
// which is neither a server's nor the sink's.
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { createSubjects } from '@sluice/proto'
import { messagePayload } from '../message.ts'
import { MESSAGE_BYTES, roomName } from '../scenarios.ts'

/** Publishes for a run. */
export interface Source {
  /** Gives what publishes one message to each room under a prefix, all in one write. */
  publisherTo(prefix: string): (rooms: readonly number[]) => void
  /** Publishes something else to a room. */
  publish(prefix: string, room: string, payload: string): void
  /** The time of a ping to NATS and back, in milliseconds. */
  roundTripMs(): Promise<number>
  /** The version of nats-server. */
  readonly version: string
  readonly nats: NatsConnection
  close(): Promise<void>
}

/** The subject on which a gateway or a peer hears a room of the namespace `default`. */
export function roomSubject(prefix: string, room: string): string {
  const subjects = createSubjects(prefix)
  return subjects.room({ namespace: 'default', local: room } as Parameters<typeof subjects.room>[0])
}

/** Connects the source. */
export async function connectSource(natsPort: number): Promise<Source> {
  const nats = await connect({ servers: `127.0.0.1:${natsPort}` })
  let published = 0
  return {
    version: nats.info?.version ?? 'unknown',
    nats,
    publisherTo(prefix) {
      const subjects = new Map<number, string>()
      const subjectOf = (room: number): string => {
        const known = subjects.get(room)
        if (known !== undefined) return known
        const made = roomSubject(prefix, roomName(room))
        subjects.set(room, made)
        return made
      }
      return (rooms) => {
        for (const room of rooms) nats.publish(subjectOf(room), messagePayload(MESSAGE_BYTES, published++))
      }
    },
    publish: (prefix, room, payload) => nats.publish(roomSubject(prefix, room), payload),
    async roundTripMs() {
      const startedAt = performance.now()
      await nats.flush()
      return performance.now() - startedAt
    },
    close: () => nats.close(),
  }
}
