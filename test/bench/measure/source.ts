// The source: publishes the messages of a turn to NATS, as a backend service does. It lives in the benchmark's own process,
// which is neither a server's nor the sink's.
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { createSubjects } from '@sluice/proto'
import { messagePayload } from '../message.ts'
import { MESSAGE_BYTES, roomName } from '../scenarios.ts'
import type { BenchServer } from '../servers/server.ts'

/** Publishes for a run. */
export interface Source {
  /** Publishes one message to each room, all in one write. */
  publish(server: BenchServer, rooms: readonly number[]): void
  /** The version of nats-server. */
  readonly version: string
  close(): Promise<void>
}

/** Connects the source. */
export async function connectSource(natsPort: number): Promise<Source> {
  const nats: NatsConnection = await connect({ servers: `127.0.0.1:${natsPort}` })
  let published = 0
  return {
    version: nats.info?.version ?? 'unknown',
    publish(server, rooms) {
      const subjects = createSubjects(server.prefix)
      for (const room of rooms) {
        nats.publish(
          subjects.room({ namespace: 'default', local: roomName(room) } as Parameters<typeof subjects.room>[0]),
          messagePayload(MESSAGE_BYTES, published++),
        )
      }
    },
    close: () => nats.close(),
  }
}
