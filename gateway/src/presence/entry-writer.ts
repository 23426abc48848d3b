// Writes groups of entries: gathers changes, pipelines a bounded number of writes, tries again what failed, and writes everything
// anew for a new instance or a new bucket. So writes grow with the rooms that change, not with the sockets that change them.
import type { ChunkWrite, Instance } from '@sluice/proto'
import type { WriteResult } from '@sluice/service/jetstream/key-write'
import type { EntryGroup } from './entry-group.ts'

/** See {@link createEntryWriter}. */
export interface EntryWriterOptions {
  /** Writes a key, or purges it; settles with what the server said and never rejects. */
  readonly write: (key: string, value: string | null) => Promise<WriteResult>
  /** Whether writes have a chance now. */
  readonly canWrite: () => boolean
  readonly nowMs: () => number
  readonly counters: { readonly presenceEntries: { add(label: 'written' | 'acknowledged' | 'failed'): void } }
  /** Everything that {@link EntryWriter.restart} has begun is stored. */
  readonly onRestarted: () => void
  /** All of a group is stored. */
  readonly onStored: (group: EntryGroup) => void
  /** A write failed and will be repeated. */
  readonly onFault: (reason: string) => void
}

/** Writes entries of the present instance. */
export interface EntryWriter {
  /** The items of a group have changed. */
  changed(group: EntryGroup): void
  /** Writes all of these anew under an instance, and nothing of what was begun before. */
  restart(instance: Instance, groups: Iterable<EntryGroup>): void
  /** Resolves when what the group is now is stored, under whichever instance. */
  whenStored(group: EntryGroup): Promise<void>
  /** Tries now what waits for a connection. */
  resume(): void
  /** Groups that are not all stored. */
  readonly waiting: number
  stop(): void
}

/** Between two writes of a group: a lone change is written at once, of many what comes meanwhile goes out together. */
export const GATHER_MS = 200

/** Between two looks at what is due, so that a storm does not make each change a look at all others. */
const LOOK_MS = 5

/** Between a failed write and the next: a leader's election takes seconds. */
const RETRY_MS = 500

/** Writes that wait for their acknowledgement. */
const IN_FLIGHT_MAX = 256

/** Makes the writer. It writes nothing before the first {@link EntryWriter.restart}. */
export function createEntryWriter(options: EntryWriterOptions): EntryWriter {
  return new Writer(options)
}

interface Waiter {
  readonly changes: number
  readonly resolve: () => void
}

class Writer implements EntryWriter {
  readonly #options: EntryWriterOptions
  readonly #dirty = new Set<EntryGroup>()
  readonly #waiters = new Map<EntryGroup, Waiter[]>()
  /** What a restart has still to write. */
  #outstanding: Set<EntryGroup> | null = null
  #instance: Instance | null = null
  /** Counts restarts: what was begun before the last one is of no use. */
  #generation = 0
  #passing = 0
  #inFlight = 0
  #resumeAt = 0
  #timer: NodeJS.Timeout | null = null
  #timerAt = 0
  #stopped = false

  constructor(options: EntryWriterOptions) {
    this.#options = options
  }

  changed(group: EntryGroup): void {
    group.changes++
    this.#dirty.add(group)
    this.#schedule(group.writtenMs + GATHER_MS)
  }

  restart(instance: Instance, groups: Iterable<EntryGroup>): void {
    this.#instance = instance
    this.#generation++
    this.#dirty.clear()
    const outstanding = new Set(groups)
    for (const group of outstanding) {
      group.chunks.rewrite()
      group.revisions.clear()
      group.writtenMs = Number.NEGATIVE_INFINITY
      group.changes++
      this.#dirty.add(group)
    }
    this.#outstanding = outstanding
    this.#restarted()
    this.#schedule(0)
  }

  whenStored(group: EntryGroup): Promise<void> {
    const { changes, stored } = group
    if (stored === changes) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiters.set(group, [...(this.#waiters.get(group) ?? []), { changes, resolve }])
    })
  }

  resume(): void {
    this.#resumeAt = 0
    this.#schedule(0)
  }

  get waiting(): number {
    return this.#dirty.size + this.#passing
  }

  stop(): void {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  /** Looks at what is due at a time, or when writes have a chance again. */
  #schedule(at: number): void {
    if (this.#stopped || this.#instance === null || this.#dirty.size === 0) return
    const now = this.#options.nowMs()
    const dueAt = Math.max(at, this.#resumeAt, now + LOOK_MS)
    if (this.#timer !== null && this.#timerAt <= dueAt) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timerAt = dueAt
    this.#timer = setTimeout(() => this.#look(), dueAt - now)
  }

  #look(): void {
    this.#timer = null
    const now = this.#options.nowMs()
    if (!this.#options.canWrite()) {
      this.#resumeAt = now + RETRY_MS
      return this.#schedule(0)
    }
    let nextAt = Number.POSITIVE_INFINITY
    for (const group of this.#dirty) {
      // The end of a pass looks again.
      if (this.#inFlight >= IN_FLIGHT_MAX) return
      if (group.writing) continue
      if (group.writtenMs + GATHER_MS <= now) void this.#pass(group, now)
      else nextAt = Math.min(nextAt, group.writtenMs + GATHER_MS)
    }
    if (nextAt < Number.POSITIVE_INFINITY) this.#schedule(nextAt)
  }

  async #pass(group: EntryGroup, now: number): Promise<void> {
    const generation = this.#generation
    const instance = this.#instance as Instance
    const { changes } = group
    const writes = group.chunks.take()
    this.#dirty.delete(group)
    group.writing = true
    group.writtenMs = now
    this.#passing++
    this.#inFlight += writes.length
    const results = await Promise.all(writes.map((write) => this.#write(group, instance, write)))
    this.#inFlight -= writes.length
    this.#passing--
    group.writing = false
    // Of a former generation nothing counts: everything was marked for writing since.
    if (generation === this.#generation) this.#settle(group, changes, writes, results)
    this.#schedule(0)
  }

  #write(group: EntryGroup, instance: Instance, { chunk, texts }: ChunkWrite): Promise<WriteResult> {
    const { write, counters } = this.#options
    counters.presenceEntries.add('written')
    return write(group.keyOf(instance, chunk), texts === null ? null : group.textOf(texts))
  }

  #settle(group: EntryGroup, changes: number, writes: readonly ChunkWrite[], results: readonly WriteResult[]): void {
    const { counters, nowMs, onFault, onStored } = this.#options
    let failure: string | null = null
    for (const [at, { chunk, texts }] of writes.entries()) {
      const result = results[at]
      if (result?.kind === 'stored') {
        counters.presenceEntries.add('acknowledged')
        if (texts === null) group.revisions.delete(chunk)
        else group.revisions.set(chunk, result.revision)
      } else {
        counters.presenceEntries.add('failed')
        group.chunks.failed(chunk)
        failure = result?.kind === 'unknown' ? result.reason : 'conflict'
      }
    }
    if (failure !== null) {
      this.#dirty.add(group)
      this.#resumeAt = nowMs() + RETRY_MS
      return onFault(failure)
    }
    group.stored = changes
    this.#wake(group)
    if (group.stored === group.changes) onStored(group)
    this.#outstanding?.delete(group)
    this.#restarted()
  }

  #wake(group: EntryGroup): void {
    const waiters = this.#waiters.get(group)
    if (waiters === undefined) return
    const left = waiters.filter(({ changes }) => changes > group.stored)
    if (left.length > 0) this.#waiters.set(group, left)
    else this.#waiters.delete(group)
    for (const { changes, resolve } of waiters) if (changes <= group.stored) resolve()
  }

  #restarted(): void {
    if (this.#outstanding?.size !== 0) return
    this.#outstanding = null
    this.#options.onRestarted()
  }
}
