// Counts what gateways write into the buckets of presence, as NATS hears it.
import type { NatsConnection } from '@nats-io/transport-node'
import { STORES } from './cluster.ts'

/** Writes in a span of time, of all processes together. */
export interface Writes {
  /** Entries of rooms: written or purged. */
  readonly room: number
  /** Entries of the directory of users. */
  readonly user: number
  /** Renewals of leases. */
  readonly lease: number
  /** Of entries: what a follower of everything receives, subjects and payloads. */
  readonly bytes: number
}

/** A running count. */
export interface WriteCount {
  /** What has come since the start, or since the last call. */
  take(): Promise<Writes>
}

/** Begins to count. */
export async function countWrites(service: NatsConnection): Promise<WriteCount> {
  const { entries, leases } = STORES
  let counts = { room: 0, user: 0, lease: 0, bytes: 0 }
  service.subscribe(entries.subject('>'), {
    callback: (_, { subject, data }) => {
      counts[entries.keyOf(subject)?.startsWith('room.') === true ? 'room' : 'user']++
      counts.bytes += subject.length + data.length
    },
  })
  service.subscribe(leases.subject('>'), { callback: () => void counts.lease++ })
  await service.flush()
  return {
    async take() {
      await service.flush()
      const taken = counts
      counts = { room: 0, user: 0, lease: 0, bytes: 0 }
      return taken
    },
  }
}
