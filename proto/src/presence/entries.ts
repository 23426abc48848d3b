// Entries of many instances, merged by the names of users that they speak of. Knows revisions, instances that count and those that
// do not, deletions, and buckets that begin anew; never what an item means: room-view.ts and users-view.ts say how items of one
// user are merged. Every step tells what it has changed as before and after, so duplicates and replays change nothing. Pure.
import type { Instance } from './keys.ts'
import { type Entry, type Mention, MentionIndex, type Writer } from './mention-index.ts'

/** What a step has changed, or may have changed, for one user. */
export interface Shift<merged> {
  readonly user: string
  /** Null where no counting entry speaks of the user. */
  readonly was: merged | null
  readonly is: merged | null
  /** The highest revision among the entries that changed for the user. */
  readonly revision: number
  /** The highest revision of all that was told: in this order the user's changes happened here. */
  readonly asOf: number
  /** The instances whose entries changed for the user, sorted. */
  readonly instances: readonly Instance[]
}

/** What entries need to know of their items. */
export interface EntriesOptions<item, merged> {
  /** The user that an item speaks of. */
  readonly userOf: (item: item) => string
  /** Merges what counting entries say of one user: at least one mention, in no order. */
  readonly merge: (user: string, mentions: readonly Mention<item>[]) => merged
  /** Under which instance one counts at this moment, null if it does not. */
  readonly countsAs: (instance: Instance) => Instance | null
}

/** Entries by instance and part; a part is what an instance writes as one key. */
export class Entries<item, merged> {
  readonly #options: EntriesOptions<item, merged>
  readonly #writers = new Map<Instance, Writer<item>>()
  readonly #index = new MentionIndex<item>()
  #highest = 0

  constructor(options: EntriesOptions<item, merged>) {
    this.#options = options
  }

  /**
   * An entry was written or deleted, or read at load. One writer for each key, so the higher revision is the newer one.
   *
   * @param items - null if it was deleted
   * @returns nothing for a revision that is not above the one held
   */
  put(instance: Instance, part: string, revision: number, items: readonly item[] | null): Shift<merged>[] {
    const { userOf, countsAs } = this.#options
    if (revision <= this.revisionOf(instance, part)) return []
    this.#highest = Math.max(this.#highest, revision)
    const writer = this.#writers.get(instance) ?? {
      instance,
      as: countsAs(instance),
      parts: new Map(),
      deleted: new Map(),
    }
    const old = writer.parts.get(part)
    const byUser = new Map((items ?? []).map((item) => [userOf(item), item]))
    const entry: Entry<item> = { writer, revision, items: byUser, stale: false }
    // The new revision stands for what the old entry alone has said, too.
    const ended = old === undefined ? [] : [{ ...old, revision }]
    return this.#shift([...ended, entry], () => {
      this.#writers.set(instance, writer)
      if (old !== undefined) this.#index.remove(old)
      writer.deleted.delete(part)
      if (items === null) {
        writer.parts.delete(part)
        writer.deleted.set(part, revision)
      } else {
        writer.parts.set(part, entry)
        this.#index.add(entry)
      }
    })
  }

  /** The instances that count have changed, or under which they do. */
  recount(): Shift<merged>[] {
    const { countsAs } = this.#options
    const changed = [...this.#writers.values()].filter(({ instance, as }) => as !== countsAs(instance))
    const touched = changed.flatMap(({ parts }) => [...parts.values()])
    return this.#shift(touched, () => {
      for (const writer of changed) writer.as = countsAs(writer.instance)
    })
  }

  /** Forgets an instance: it is dead for good, or its lease was deleted, and what it left is purged without a word. */
  forget(instance: Instance): Shift<merged>[] {
    const writer = this.#writers.get(instance)
    if (writer === undefined) return []
    writer.deleted.clear()
    const shifts = this.#drop([...writer.parts])
    this.#release(writer)
    return shifts
  }

  /** The bucket was created again, or has lost its end: what is held stays until it is written again, with any revision. */
  startOver(): void {
    this.#highest = 0
    for (const writer of this.#writers.values()) {
      writer.deleted.clear()
      for (const [part, entry] of writer.parts) {
        this.#index.remove(entry)
        const stale = { ...entry, revision: 0, stale: true }
        writer.parts.set(part, stale)
        this.#index.add(stale)
      }
      this.#release(writer)
    }
  }

  /** Drops what was not written again since {@link Entries.startOver}: called when its writers have had their time. */
  settle(): Shift<merged>[] {
    const held = [...this.#writers.values()].flatMap(({ parts }) => [...parts])
    return this.#drop(held.filter(([, { stale }]) => stale))
  }

  /** Forgets deletions up to a revision: called when no read that began before them is under way, so that none comes back. */
  prune(revision: number): void {
    for (const writer of this.#writers.values()) {
      for (const [part, at] of writer.deleted) if (at <= revision) writer.deleted.delete(part)
      this.#release(writer)
    }
  }

  /** What counting entries say of a user; null if none does. */
  get(user: string): merged | null {
    const mentions = this.#index.mentionsOf(user)
    return mentions.length === 0 ? null : this.#options.merge(user, mentions)
  }

  /** Every user that a counting entry speaks of. */
  get users(): Iterable<readonly [string, merged]> {
    return this.#mergedUsers()
  }

  *#mergedUsers(): Generator<readonly [string, merged]> {
    for (const user of this.#index.users) {
      const merged = this.get(user)
      if (merged !== null) yield [user, merged]
    }
  }

  /** The revision held of an entry or of its deletion; 0 if none. */
  revisionOf(instance: Instance, part: string): number {
    const writer = this.#writers.get(instance)
    return writer?.parts.get(part)?.revision ?? writer?.deleted.get(part) ?? 0
  }

  /** The instances that have written what is held. */
  get instances(): Iterable<Instance> {
    return this.#writers.keys()
  }

  /** Whether nothing is held, counting or not, and no deletion is remembered: it can be dropped. */
  get empty(): boolean {
    return this.#writers.size === 0
  }

  /** Changes what entries say of their users, and tells what that means for each. */
  #shift(touched: readonly Entry<item>[], mutate: () => void): Shift<merged>[] {
    const entriesOf = new Map<string, Entry<item>[]>()
    for (const entry of touched) {
      for (const user of entry.items.keys()) {
        const entries = entriesOf.get(user)
        if (entries === undefined) entriesOf.set(user, [entry])
        else entries.push(entry)
      }
    }
    const before = [...entriesOf].map(([user, entries]) => ({ user, entries, was: this.get(user) }))
    mutate()
    return before.map(({ user, entries, was }) => ({
      user,
      was,
      is: this.get(user),
      revision: Math.max(...entries.map(({ revision }) => revision)),
      asOf: this.#highest,
      instances: [...new Set(entries.map(({ writer }) => writer.instance))].sort(),
    }))
  }

  #drop(dropped: readonly (readonly [string, Entry<item>])[]): Shift<merged>[] {
    const entries = dropped.map(([, entry]) => entry)
    return this.#shift(entries, () => {
      for (const [part, entry] of dropped) {
        entry.writer.parts.delete(part)
        this.#index.remove(entry)
        this.#release(entry.writer)
      }
    })
  }

  /** Forgets a writer of which nothing is held. */
  #release({ instance, parts, deleted }: Writer<item>): void {
    if (parts.size === 0 && deleted.size === 0) this.#writers.delete(instance)
  }
}
