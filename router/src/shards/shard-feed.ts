// Follows the shards that a router holds: one subscription for each, one fence for all, one read of everything that is new in the
// bucket, be it the first load or a look for lost copies. So following costs NATS by what changes and not by the number of shards.
// Owns no meaning of entries, and decides nothing of which shards are held.
import type { Bucket } from '@sluice/proto'
import { readBatch, type StoredMessage, storedMessage } from '@sluice/service/jetstream/direct-get'
import type { NatsPort } from '@sluice/service/jetstream/port'
import { type StreamState, streamState } from '@sluice/service/jetstream/stream-info'
import type { ShardName } from './shard.ts'

/** A shard as the feed needs it. */
export interface FedShard {
  /** Its entries' keys begin with it, followed by a point. */
  readonly name: ShardName
  /** A key's state; null where it was deleted. Of two, the one with the higher revision is the newer. */
  readonly onEntry: (key: string, value: Uint8Array | null, revision: number) => void
  /**
   * Everything that was there at some moment since the shard is followed has been handed on; after each read.
   *
   * @param fence - everything up to this revision was handed on
   * @param readUpTo - no later read brings a state that is older than this revision
   */
  readonly onRead: (fence: number, readUpTo: number) => void
}

/** See {@link createShardFeed}. */
export interface ShardFeedOptions {
  /** Subscriptions and fences: our interest must be on the connection that asks the leader. */
  readonly nats: NatsPort
  /** Direct gets. */
  readonly reads: NatsPort
  readonly entries: Bucket
  /** The bucket is another than before, or too much of it was missed; all is read anew. */
  readonly onStartOver: (why: 'another' | 'blind') => void
  /** Monotonic milliseconds. */
  readonly nowMs: () => number
  /** A live copy has come, which was stored at this time by the server's clock. */
  readonly onCopy: (storedAt: string) => void
  /** A read failed and will be repeated. */
  readonly onFault: (error: Error) => void
}

/** Follows shards. */
export interface ShardFeed {
  /** A shard is followed once at a time. */
  follow(shard: FedShard): { stop(): void }
  /** Reads what may have been missed: after a reconnect, and by itself every {@link RECHECK_MS}. Resolves after a whole read. */
  check(): void
  /** Whether nothing can have been missed since the last whole read, but for copies that a server has lost. */
  readonly fresh: boolean
  /** A break of the connection: what comes meanwhile is missed until the next read. */
  missed(): void
  /** The end of what was read last: everything that was written by then is below. */
  readonly fence: number
  stop(): void
}

/** Between two looks for lost copies. */
export const RECHECK_MS = 10_000
/** After so long without a read a deletion may have left no trace: its marker stands for 60 s. All is read anew then. */
const BLIND_MS = 45_000
const RETRY_MS = 500
const BATCH = 1000
const BATCH_BYTES = 1024 * 1024
/** From this many shards on, one read of the whole bucket is less work than one for each. */
const WHOLE_MIN = 16

/** Makes it. */
export function createShardFeed(options: ShardFeedOptions): ShardFeed {
  return new Feed(options)
}

class Feed implements ShardFeed {
  readonly #options: ShardFeedOptions
  readonly #shards = new Map<string, FedShard>()
  readonly #unread = new Set<FedShard>()
  readonly #timer: NodeJS.Timeout
  #retry: NodeJS.Timeout | null = null
  #created: string | null = null
  /** When the last whole read began. */
  #readMs: number
  /** The last two: a replica may have lagged behind the last read, so the next one covers the same span again. */
  #fences = { older: 0, newer: 0 }
  #checkDue = false
  #running = false
  #stopped = false
  #missed = 0
  #seen = 0

  constructor(options: ShardFeedOptions) {
    this.#options = options
    this.#readMs = options.nowMs()
    this.#timer = setInterval(() => this.check(), RECHECK_MS)
  }

  follow(shard: FedShard): { stop(): void } {
    const { nats, entries } = this.#options
    this.#shards.set(shard.name, shard)
    const subscription = nats.subscribe(entries.followed(`${shard.name}.>`), (message) => {
      const stored = storedMessage(message)
      this.#options.onCopy(stored.time)
      this.#apply(stored, shard)
    })
    this.#unread.add(shard)
    this.#start()
    return {
      stop: () => {
        subscription.unsubscribe()
        this.#shards.delete(shard.name)
        this.#unread.delete(shard)
      },
    }
  }

  check(): void {
    this.#checkDue = true
    this.#start()
  }

  missed(): void {
    this.#missed++
  }

  get fresh(): boolean {
    return this.#missed === this.#seen
  }

  get fence(): number {
    return this.#fences.newer
  }

  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
    if (this.#retry !== null) clearTimeout(this.#retry)
  }

  #start(): void {
    if (this.#running || this.#stopped || this.#retry !== null) return
    this.#running = true
    // What else this turn brings is read together.
    setImmediate(() => void this.#run())
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped && (this.#checkDue || this.#unread.size > 0)) await this.#round()
    } catch (error) {
      this.#checkDue = true
      this.#options.onFault(error instanceof Error ? error : new Error(String(error)))
      this.#retry = setTimeout(() => {
        this.#retry = null
        this.#start()
      }, RETRY_MS)
    }
    this.#running = false
  }

  async #round(): Promise<void> {
    const { nats, entries } = this.#options
    const missed = this.#missed
    const state = await streamState(nats, entries.stream)
    if (state === null) throw new Error(`there is no stream ${entries.stream}`)
    const beganMs = this.#options.nowMs()
    this.#startOverIfLost(state, beganMs)
    const unread = [...this.#unread]
    if (unread.length > 0) await this.#load(unread, state.lastSequence)
    if (!this.#checkDue) return
    this.#checkDue = false
    const { older, newer } = this.#fences
    const checked = [...this.#shards.values()].filter((shard) => !this.#unread.has(shard))
    await this.#read('>', older + 1, (name) => this.#shards.get(name))
    this.#fences = { older: newer, newer: state.lastSequence }
    this.#seen = missed
    this.#readMs = beganMs
    for (const shard of checked) if (this.#isFollowed(shard)) shard.onRead(state.lastSequence, newer)
  }

  /** The first read of shards. Those that are loaded already are left out: they may have forgotten what is old. */
  async #load(unread: readonly FedShard[], fence: number): Promise<void> {
    const wanted = new Map<string, FedShard>(unread.map((shard) => [shard.name, shard]))
    const filters = unread.length >= WHOLE_MIN ? ['>'] : unread.map(({ name }) => `${name}.>`)
    for (const filter of filters) await this.#read(filter, 1, (name) => wanted.get(name))
    // The next look begins where this one ended, or earlier where older shards need it.
    if (this.#fences.newer === 0) this.#fences = { older: 0, newer: fence }
    for (const shard of unread) {
      if (!this.#isFollowed(shard)) continue
      this.#unread.delete(shard)
      shard.onRead(fence, 0)
    }
  }

  #startOverIfLost({ created, lastSequence }: StreamState, nowMs: number): void {
    const same = this.#created === created && lastSequence >= this.#fences.newer
    const blind = nowMs - this.#readMs > BLIND_MS
    const first = this.#created === null
    this.#created = created
    this.#readMs = blind ? nowMs : this.#readMs
    if (first || (same && !blind)) return
    this.#fences = { older: 0, newer: 0 }
    for (const shard of this.#shards.values()) this.#unread.add(shard)
    this.#options.onStartOver(same ? 'blind' : 'another')
  }

  async #read(filter: string, from: number, shardOf: (name: string) => FedShard | undefined): Promise<void> {
    const { reads, entries } = this.#options
    let next = from
    while (!this.#stopped) {
      const question = { batch: BATCH, max_bytes: BATCH_BYTES, seq: next, next_by_subj: entries.subject(filter) }
      const end = await readBatch(reads, entries.stream, question, (stored) => {
        next = stored.sequence + 1
        const key = entries.keyOf(stored.subject)
        const shard = key === null ? undefined : shardOf(nameOf(key))
        if (shard !== undefined) this.#apply(stored, shard)
      })
      if (end.kind === 'broken' || end.kind === 'too-many') throw new Error(`a read of ${entries.stream} broke off`)
      if (end.kind === 'none' || end.pending === 0) return
    }
  }

  #apply({ subject, operation, data, sequence }: StoredMessage, shard: FedShard): void {
    const key = this.#options.entries.keyOf(subject)
    // Whoever may publish on the subject of a copy can name any key in its headers.
    if (key === null || nameOf(key) !== shard.name) return
    if (this.#isFollowed(shard)) shard.onEntry(key, operation === '' ? data : null, sequence)
  }

  #isFollowed(shard: FedShard): boolean {
    return !this.#stopped && this.#shards.get(shard.name) === shard
  }
}

/** The first two tokens of a key. */
function nameOf(key: string): string {
  return key.slice(0, key.indexOf('.', key.indexOf('.') + 1))
}
