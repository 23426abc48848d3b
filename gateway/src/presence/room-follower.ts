// Follows the entries of many rooms at once: one subscription for each, but one fence and one read for all that are new in a turn,
// and the same again for lost copies. So watching costs NATS by what changes and not by rooms times seconds. Owns no meaning of
// entries; how the last states of many rooms are read is last-states.ts's business.
import { type StoredMessage, storedMessage } from '@sluice/service/jetstream/direct-get'
import type { NatsPort } from '@sluice/service/jetstream/port'
import { type StreamState, streamState } from '@sluice/service/jetstream/stream-info'
import { readLastStates } from './last-states.ts'

/** See {@link createRoomFollower}. */
export interface RoomFollowerOptions {
  /** Subscriptions and fences: our interest must be on the connection that asks the leader. */
  readonly nats: NatsPort
  /** Direct gets. */
  readonly reads: NatsPort
  /** The bucket's stream. */
  readonly stream: string
  readonly nowMs: () => number
  /** A read failed and will be repeated. */
  readonly onFault: (error: Error) => void
}

/** What is followed. */
export interface FollowedRoom {
  /** The subjects of its keys, as the stream stores them and as their copies come: each ends in `.*.*`. */
  readonly stored: string
  readonly copies: string
  /** Keys that are held: what a read of them may bring. */
  readonly weight: () => number
  /** A key's state; null where it was deleted. Of two, the one with the higher revision is the newer. */
  readonly onEntry: (subject: string, value: Uint8Array | null, revision: number) => void
  /** The bucket is another than before, or too much of it was missed. The keys that it has now follow. */
  readonly onStartOver: () => void
  /**
   * Everything that was there at some moment since the subscription has been handed on; after each read.
   *
   * @param readUpTo - no later read brings a state that is older than this revision
   */
  readonly onRead: (readUpTo: number) => void
}

/** Follows rooms. */
export interface RoomFollower {
  /** A room is followed once at a time. */
  follow(room: FollowedRoom): { stop(): void }
  /** Reads again what may have been missed: after a reconnect, and by itself every {@link RECHECK_MS}. */
  check(): void
  stop(): void
}

/** Between two checks for lost copies. */
export const RECHECK_MS = 10_000

/**
 * After so long without a read a deletion may have left no trace: its marker stands for 60 s. Everything is read anew then, and what
 * that does not bring is gone.
 */
export const BLIND_MS = 45_000

const RETRY_MS = 500
/** Rooms in one read. */
const ROOMS_MAX = 256
/** Keys that one read may bring: the server refuses to look up more than 1024 at once. */
const KEYS_MAX = 768

/** Makes it. */
export function createRoomFollower(options: RoomFollowerOptions): RoomFollower {
  return new Follower(options)
}

interface Followed extends FollowedRoom {
  /** The fences of its last two reads: a replica may have lagged behind the last one, so the next covers the same span again. */
  older: number
  newer: number
  /** The bucket that it was read from; null before. */
  created: string | null
  /** When the last read began that has ended well, or the one that starts over. */
  readMs: number
}

class Follower implements RoomFollower {
  readonly #options: RoomFollowerOptions
  /** By the stored subject without the two wildcards at its end. */
  readonly #rooms = new Map<string, Followed>()
  readonly #unread = new Set<Followed>()
  readonly #unchecked = new Set<Followed>()
  readonly #timer: NodeJS.Timeout
  #retry: NodeJS.Timeout | null = null
  #running = false
  #stopped = false

  constructor(options: RoomFollowerOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.check(), RECHECK_MS)
  }

  follow(room: FollowedRoom): { stop(): void } {
    const followed: Followed = { ...room, older: 0, newer: 0, created: null, readMs: 0 }
    const prefix = prefixOf(room.stored)
    this.#rooms.set(prefix, followed)
    const subscription = this.#options.nats.subscribe(room.copies, (message) =>
      this.#apply(followed, storedMessage(message)),
    )
    this.#unread.add(followed)
    this.#start()
    return {
      stop: () => {
        subscription.unsubscribe()
        this.#unread.delete(followed)
        this.#unchecked.delete(followed)
        this.#rooms.delete(prefix)
      },
    }
  }

  check(): void {
    for (const followed of this.#rooms.values()) if (!this.#unread.has(followed)) this.#unchecked.add(followed)
    this.#start()
  }

  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
    if (this.#retry !== null) clearTimeout(this.#retry)
  }

  get #waiting(): boolean {
    return this.#unread.size + this.#unchecked.size > 0
  }

  #start(): void {
    if (this.#running || this.#stopped || this.#retry !== null || !this.#waiting) return
    this.#running = true
    // What else this turn brings is read together.
    setImmediate(() => void this.#run())
  }

  async #run(): Promise<void> {
    while (!this.#stopped && this.#waiting) {
      const waiting = this.#unread.size > 0 ? this.#unread : this.#unchecked
      const batch = takeBatch(waiting)
      try {
        await this.#read(batch)
      } catch (error) {
        for (const followed of batch) if (this.#isFollowed(followed)) waiting.add(followed)
        this.#options.onFault(error instanceof Error ? error : new Error(String(error)))
        this.#retry = setTimeout(() => {
          this.#retry = null
          this.#start()
        }, RETRY_MS)
        break
      }
    }
    this.#running = false
  }

  async #read(batch: readonly Followed[]): Promise<void> {
    const { nats, reads, stream, nowMs } = this.#options
    const beganMs = nowMs()
    const state = await streamState(nats, stream)
    if (state === null) throw new Error(`there is no stream ${stream}`)
    for (const followed of batch) startOverIfLost(followed, state, beganMs)
    const from = Math.min(...batch.map(({ older }) => older)) + 1
    const filters = batch.map(({ stored }) => stored)
    await readLastStates({ reads, stream, fence: state.lastSequence, from }, filters, (message) => {
      const followed = this.#rooms.get(prefixOf(message.subject))
      if (followed !== undefined) this.#apply(followed, message)
    })
    for (const followed of batch) {
      followed.older = followed.newer
      followed.newer = state.lastSequence
      followed.readMs = beganMs
      if (this.#isFollowed(followed)) followed.onRead(followed.older)
    }
  }

  #apply(followed: Followed, { subject, operation, data, sequence }: StoredMessage): void {
    if (!this.#stopped && subject !== '') followed.onEntry(subject, operation === '' ? data : null, sequence)
  }

  #isFollowed(followed: Followed): boolean {
    return !this.#stopped && this.#rooms.get(prefixOf(followed.stored)) === followed
  }
}

/** Where the bucket is another, has lost its end, or was not read for too long. */
function startOverIfLost(followed: Followed, { created, lastSequence }: StreamState, nowMs: number): void {
  const first = followed.created === null
  const same = followed.created === created && lastSequence >= followed.newer
  followed.created = created
  if (same && nowMs - followed.readMs <= BLIND_MS) return
  followed.older = 0
  followed.newer = 0
  followed.readMs = nowMs
  if (!first) followed.onStartOver()
}

/** As many as one read may bring; they are taken out. */
function takeBatch(waiting: Set<Followed>): Followed[] {
  const batch: Followed[] = []
  let keys = 0
  for (const followed of waiting) {
    keys += Math.max(1, followed.weight())
    if (batch.length > 0 && (keys > KEYS_MAX || batch.length >= ROOMS_MAX)) break
    batch.push(followed)
    waiting.delete(followed)
  }
  return batch
}

/** A subject without its last two tokens: instance and chunk of an entry, or the wildcards for them. */
function prefixOf(subject: string): string {
  return subject.slice(0, subject.lastIndexOf('.', subject.lastIndexOf('.') - 1))
}
