// Follows a part of a bucket: subscribes to the republished copies, reads what was there before, and reads again what copies may
// have been lost. Hands on each state of a key with a revision that only grows, also over a bucket that was made anew. Owns no
// meaning of keys or values.
import { readBatch, type StoredMessage, storedMessage } from './direct-get.ts'
import type { NatsPort } from './port.ts'
import { streamState } from './stream-info.ts'

/** See {@link followBucket}. */
export interface FollowOptions {
  /** Subscriptions and fences: the interest must be on the connection that asks the leader. */
  readonly nats: NatsPort
  /** Direct gets: they run in the server's read loop of the connection that asks. */
  readonly reads: NatsPort
  readonly bucket: string
  /** What to follow within the bucket: `room.5.>`. */
  readonly filter: string
  /** The subject that the bucket's copies come on, with the same filter. */
  readonly copies: string
  /** A key's new state; null where it was deleted. Duplicates and older revisions may come. */
  readonly onEntry: (key: string, value: Uint8Array | null, revision: number) => void
  /** A read has ended; what it brought is complete up to its fence. */
  readonly onRead?: () => void
  readonly onFault: (error: unknown) => void
}

/** A running follower. */
export interface Follower {
  /** Whether everything that was there at some moment since the start has been handed on. */
  readonly loaded: boolean
  /** Reads again what may have been missed: after a reconnect, and every {@link RECHECK_MS}. At most one read at a time. */
  check(): Promise<void>
  stop(): void
}

/** Between two checks for lost copies. */
export const RECHECK_MS = 10_000

/** Until the first read has succeeded: the bucket may not have been made yet. */
const RETRY_MS = 500
const BATCH = 1000
const BATCH_BYTES = 1024 * 1024
/** Keys of a bucket that was lost count until their owners have written them anew, or this has passed. */
const REBUILD_MS = 12_000

/** Begins to follow. The first read starts at once and is repeated until it succeeds. */
export function followBucket(options: FollowOptions, nowMs: () => number): Follower {
  const { nats, reads, bucket, filter, copies, onEntry, onFault } = options
  const stream = `KV_${bucket}`
  const keyPrefix = `$KV.${bucket}.`
  let created: string | null = null
  /** What revisions of earlier buckets have reached. */
  let base = 0
  let highest = 0
  /** The last two fences: a replica that lags behind one read is asked again for the same span by the next. */
  let fences = { older: 0, newer: 0 }
  let loaded = false
  let reading: Promise<void> | null = null
  let stopped = false
  let retry: NodeJS.Timeout | undefined
  /** Keys of the bucket before this one, to be deleted unless they come again. */
  let leftovers: { keys: Set<string>; until: number } | null = null
  const known = new Set<string>()

  function apply(message: StoredMessage): void {
    if (stopped || !message.subject.startsWith(keyPrefix)) return
    const key = message.subject.slice(keyPrefix.length)
    const deleted = message.operation !== ''
    highest = Math.max(highest, message.sequence)
    leftovers?.keys.delete(key)
    if (deleted) known.delete(key)
    else known.add(key)
    onEntry(key, deleted ? null : message.data, base + message.sequence)
  }

  function startOver(next: string): void {
    if (created !== null) {
      base += highest
      leftovers = { keys: new Set(known), until: nowMs() + REBUILD_MS }
    }
    created = next
    highest = 0
    fences = { older: 0, newer: 0 }
  }

  function dropLeftovers(): void {
    if (leftovers === null || nowMs() < leftovers.until) return
    for (const key of leftovers.keys) {
      known.delete(key)
      onEntry(key, null, base)
    }
    leftovers = null
  }

  async function read(): Promise<void> {
    const state = await streamState(nats, stream)
    if (state === null) return
    if (state.created !== created || state.lastSequence < fences.newer) startOver(state.created)
    let from = fences.older + 1
    for (let complete = false; !complete && !stopped; ) {
      const end = await readBatch(
        reads,
        stream,
        { batch: BATCH, max_bytes: BATCH_BYTES, seq: from, next_by_subj: `${keyPrefix}${filter}` },
        (message) => {
          from = message.sequence + 1
          apply(message)
        },
      )
      if (end.kind === 'broken' || end.kind === 'too-many') throw new Error(`a read of ${stream} broke off`)
      complete = end.kind === 'none' || end.pending === 0
    }
    fences = { older: fences.newer, newer: state.lastSequence }
    dropLeftovers()
    loaded = true
    options.onRead?.()
  }

  async function check(): Promise<void> {
    reading ??= read()
      .catch(onFault)
      .finally(() => {
        reading = null
        if (!loaded && !stopped) retry = setTimeout(() => void check(), RETRY_MS)
      })
    await reading
  }

  const subscription = nats.subscribe(copies, (message) => apply(storedMessage(message)))
  void check()
  const timer = setInterval(() => void check(), RECHECK_MS)
  return {
    get loaded() {
      return loaded
    },
    check,
    stop() {
      stopped = true
      clearInterval(timer)
      clearTimeout(retry)
      subscription.unsubscribe()
    },
  }
}
