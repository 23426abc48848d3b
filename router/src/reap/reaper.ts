// Cleans up after the dead: writes `dead` into leases that were judged, purges what dead instances left, then ends their leases. Any
// router may do it, also two at once: each step names what it acts on, and finds it done.
import { type Bucket, encodeLease, type Instance, keyFilters, type Live, type Liveness } from '@sluice/proto'
import { writeKey } from '@sluice/service/jetstream/key-write'
import { jsonBody, type NatsPort } from '@sluice/service/jetstream/port'
import { streamState } from '@sluice/service/jetstream/stream-info'

/** See {@link createReaper}. */
export interface ReaperOptions {
  readonly nats: NatsPort
  readonly leases: Bucket
  readonly entries: Bucket
  readonly liveness: Liveness
  /** Instances that have entries. */
  readonly instances: () => ReadonlySet<Instance>
  /** What an instance left is gone from the bucket. */
  readonly onPurged: (instance: Instance) => void
  readonly onFault: (error: Error) => void
  readonly counters: { leasesBuried: number; purges: number }
}

/** One round of cleaning; at most one at a time. */
export type Reap = () => Promise<void>

const PURGE_WAIT_MS = 5000

/** Makes the reaper of a router. */
export function createReaper(options: ReaperOptions): Reap {
  const { nats, leases, entries, liveness, counters } = options
  let reaping = false

  async function bury({ key, revision, value }: Live): Promise<void> {
    const dead = encoder.encode(encodeLease({ ...value, state: 'dead' }))
    const result = await writeKey(nats, { subject: leases.subject(key), value: dead, expected: revision })
    if (result.kind === 'stored') counters.leasesBuried++
  }

  /** Up to a sequence that was there before: an instance is never used again, so nothing of it can come later that counts. */
  async function purge(instance: Instance): Promise<void> {
    const state = await streamState(nats, entries.stream)
    if (state === null) return
    const filters = [keyFilters.instanceRooms('*', instance), keyFilters.instanceUsers('*', instance)]
    for (const filter of filters) {
      const body = jsonBody({ filter: entries.subject(filter), seq: state.lastSequence + 1 })
      const message = await nats.request(`$JS.API.STREAM.PURGE.${entries.stream}`, body, { timeoutMs: PURGE_WAIT_MS })
      const answer = message.json<{ error?: { description?: string } }>()
      if (answer.error !== undefined) throw new Error(`purge: ${answer.error.description}`)
    }
    counters.purges++
    options.onPurged(instance)
  }

  async function round(): Promise<void> {
    for (const lease of liveness.silent) await bury(lease)
    for (const { key, instance, tier, revision } of liveness.reapable) {
      if (tier === 'gateway') await purge(instance)
      await writeKey(nats, { subject: leases.subject(key), value: null, expected: revision })
    }
    // A lease may have ended before its last entries were written or purged.
    for (const instance of options.instances()) if (liveness.stateOf(instance) === 'gone') await purge(instance)
  }

  return async () => {
    if (reaping) return
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
