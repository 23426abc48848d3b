// Cleans up after the dead: writes `dead` into leases that were judged, purges what dead instances left in the shards held here, then
// ends their leases. Any router may do it, also two at once: each step names what it acts on, and finds it done.
import { type Bucket, encodeLease, type Instance, type Live, type Liveness } from '@sluice/proto'
import { writeKey } from '@sluice/service/jetstream/key-write'
import { jsonBody, type NatsPort } from '@sluice/service/jetstream/port'
import type { Shard } from '../shards/shard.ts'
import { leftBehind, purgeFilter } from './left-behind.ts'

/** See {@link createReaper}. */
export interface ReaperOptions {
  readonly nats: NatsPort
  readonly leases: Bucket
  readonly entries: Bucket
  readonly liveness: Liveness
  /** Shards that are loaded here. */
  readonly shards: () => Iterable<Shard>
  readonly nowMs: () => number
  readonly onFault: (error: Error) => void
  /** A lease was declared dead. */
  readonly onBuried: (lease: Live) => void
  readonly counters: { leasesBuried: number; purges: number }
}

/** One round of cleaning; at most one at a time. */
export type Reap = () => Promise<void>

const PURGE_WAIT_MS = 5000
const PURGES_AT_ONCE = 16
/** The holders of all shards purge in this time. Who finds no lease of its own knows as much as who finds a dead one. */
const KEEP_DEAD_MS = 60_000

/** Makes the reaper of a router. */
export function createReaper(options: ReaperOptions): Reap {
  const { nats, leases, liveness, counters, nowMs } = options
  /** Since when a lease is known to be dead, by key. */
  const deadSince = new Map<string, number>()
  const leaselessSince = new Map<Instance, number>()
  let reaping = false

  async function bury(lease: Live): Promise<void> {
    const { key, revision, value } = lease
    const dead = encoder.encode(encodeLease({ ...value, state: 'dead' }))
    const result = await writeKey(nats, { subject: leases.subject(key), value: dead, expected: revision })
    if (result.kind !== 'stored') return
    counters.leasesBuried++
    options.onBuried(lease)
  }

  async function purge(shard: Shard, instance: Instance): Promise<void> {
    const { entries } = options
    // Bounded by what is known here: what came later is found in the next round.
    const body = jsonBody({ filter: entries.subject(purgeFilter(shard, instance)), seq: shard.revision + 1 })
    const message = await nats.request(`$JS.API.STREAM.PURGE.${entries.stream}`, body, { timeoutMs: PURGE_WAIT_MS })
    const answer = message.json<{ error?: { description?: string } }>()
    if (answer.error !== undefined) throw new Error(`purge of ${entries.stream}: ${answer.error.description}`)
    counters.purges++
    shard.forget(instance)
  }

  async function endDeadLeases(left: ReadonlySet<Instance>): Promise<void> {
    const dead = liveness.reapable
    for (const key of deadSince.keys()) if (!dead.some((lease) => lease.key === key)) deadSince.delete(key)
    for (const { key, instance, revision } of dead) {
      const since = deadSince.get(key) ?? nowMs()
      deadSince.set(key, since)
      if (left.has(instance) || nowMs() - since < KEEP_DEAD_MS) continue
      await writeKey(nats, { subject: leases.subject(key), value: null, expected: revision })
    }
  }

  async function round(): Promise<void> {
    for (const lease of liveness.silent) await bury(lease)
    const left = leftBehind([...options.shards()], liveness, leaselessSince, nowMs())
    for (let from = 0; from < left.length; from += PURGES_AT_ONCE) {
      const some = left.slice(from, from + PURGES_AT_ONCE)
      await Promise.all(some.map(({ shard, instance }) => purge(shard, instance)))
    }
    await endDeadLeases(new Set(left.map(({ instance }) => instance)))
  }

  return async () => {
    if (reaping || !nats.connected) return
    reaping = true
    try {
      await round()
    } catch (error) {
      options.onFault(error instanceof Error ? error : new Error(String(error)))
    } finally {
      reaping = false
    }
  }
}

const encoder = new TextEncoder()
