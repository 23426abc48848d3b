// Follows a part of a bucket: subscribes to the republished copies, reads what was there before, and reads again what copies may
// have been lost. Hands on states of keys with their revisions, in no promised order and some twice. Owns no meaning of keys or
// values.
import { readBatch, type StoredMessage, storedMessage } from './direct-get.ts'
import type { NatsPort } from './port.ts'
import { type StreamState, streamState } from './stream-info.ts'

/** There is no such bucket, or not yet: told by who would know, so nothing is in it. */
export class NoSuchBucket extends Error {
  override readonly name = 'NoSuchBucket'
}

/** See {@link followBucket}. */
export interface FollowOptions {
  /** Subscriptions and fences: our interest must be on the connection that asks the leader. */
  readonly nats: NatsPort
  /** Direct gets: they run in the server's read loop of the connection that asks. */
  readonly reads: NatsPort
  /** The bucket's stream. */
  readonly stream: string
  /** The subjects of the keys to follow, as the stream stores them and as their copies come. */
  readonly stored: string
  readonly copies: string
  /**
   * A key's state; null where it was deleted. Of two states of a key the one with the higher revision is the newer.
   *
   * @param subject - as the stream stores it
   */
  readonly onEntry: (subject: string, value: Uint8Array | null, revision: number) => void
  /** The bucket is another than before: nothing of what was held is known to be true. The keys of the new one follow. */
  readonly onStartOver: () => void
  /** Everything that was there at some moment since the last start has been handed on; after each read. */
  readonly onRead: () => void
  /** A read failed and will be repeated; {@link NoSuchBucket} where there is nothing to read. */
  readonly onFault: (error: Error) => void
}

/** A running follower. */
export interface Follower {
  /** Whether the first read since the start has ended. */
  readonly loaded: boolean
  /** Reads again what may have been missed: called after a reconnect, and by itself every {@link RECHECK_MS}. */
  check(): Promise<void>
  stop(): void
}

/** Between two checks for lost copies. */
export const RECHECK_MS = 10_000

/** Until a read has succeeded: the bucket may not have been made yet. */
const RETRY_MS = 500
const BATCH = 1000
const BATCH_BYTES = 1024 * 1024

/** Begins to follow; the first read starts at once and is repeated until it succeeds. */
export function followBucket(options: FollowOptions): Follower {
  let stopped = false
  let checking: Promise<void> | null = null
  let retry: NodeJS.Timeout | undefined
  const reader = createReader(options, () => stopped)

  function check(): Promise<void> {
    checking ??= reader
      .read()
      .catch((error: unknown) => options.onFault(error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        checking = null
        if (!reader.loaded && !stopped) retry = setTimeout(() => void check(), RETRY_MS)
      })
    return checking
  }

  const subscription = options.nats.subscribe(options.copies, (message) => reader.apply(storedMessage(message)))
  void check()
  const timer = setInterval(() => void check(), RECHECK_MS)
  return {
    get loaded() {
      return reader.loaded
    },
    async check() {
      // A read that is under way may have passed what is looked for.
      await checking
      await check()
    },
    stop() {
      stopped = true
      clearInterval(timer)
      clearTimeout(retry)
      subscription.unsubscribe()
    },
  }
}

interface Reader {
  readonly loaded: boolean
  read(): Promise<void>
  apply(message: StoredMessage): void
}

function createReader(options: FollowOptions, isStopped: () => boolean): Reader {
  const { nats, reads, stream, stored, onEntry } = options
  let created: string | null = null
  let loaded = false
  /** The last two fences. A replica may have lagged behind the last read: the next one covers the same span again. */
  let fences = { older: 0, newer: 0 }

  function apply(message: StoredMessage): void {
    if (isStopped() || message.subject === '') return
    onEntry(message.subject, message.operation === '' ? message.data : null, message.sequence)
  }

  function startOverIfNew(state: StreamState): void {
    if (state.created === created && state.lastSequence >= fences.newer) return
    if (created !== null) options.onStartOver()
    created = state.created
    fences = { older: 0, newer: 0 }
  }

  async function readAll(from: number): Promise<void> {
    let next = from
    while (!isStopped()) {
      const question = { batch: BATCH, max_bytes: BATCH_BYTES, seq: next, next_by_subj: stored }
      const end = await readBatch(reads, stream, question, (message) => {
        next = message.sequence + 1
        apply(message)
      })
      if (end.kind === 'broken' || end.kind === 'too-many') throw new Error(`a read of ${stream} broke off`)
      if (end.kind === 'none' || end.pending === 0) return
    }
  }

  return {
    get loaded() {
      return loaded
    },
    apply,
    async read() {
      const state = await streamState(nats, stream)
      if (state === null) throw new NoSuchBucket(`there is no stream ${stream}`)
      startOverIfNew(state)
      await readAll(fences.older + 1)
      fences = { older: fences.newer, newer: state.lastSequence }
      loaded = true
      options.onRead()
    },
  }
}
