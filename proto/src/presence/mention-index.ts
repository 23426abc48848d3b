// Which entries speak of which user, so that a change costs what it touches and not the whole view. Part of entries.ts.
import type { Instance } from './keys.ts'

/** An item of an entry whose instance counts. */
export interface Mention<item> {
  readonly item: item
  /** Of the entry. */
  readonly revision: number
  /** Under which instance it counts: those of one are of one gateway, and name the same connections. */
  readonly as: Instance
}

/** An instance that has written entries. */
export interface Writer<item> {
  readonly instance: Instance
  /** Under which instance it counted when that was last asked; null if it did not. */
  as: Instance | null
  readonly parts: Map<string, Entry<item>>
  /** Revisions of deleted parts, so that an older copy does not come back. */
  readonly deleted: Map<string, number>
}

/** What stands under one key. */
export interface Entry<item> {
  readonly writer: Writer<item>
  readonly revision: number
  /** By user. */
  readonly items: ReadonlyMap<string, item>
  /** Written before the bucket began anew. */
  readonly stale: boolean
}

/** Entries by the users that they speak of. */
export class MentionIndex<item> {
  readonly #byUser = new Map<string, Entry<item>[]>()

  add(entry: Entry<item>): void {
    for (const user of entry.items.keys()) {
      const entries = this.#byUser.get(user)
      if (entries === undefined) this.#byUser.set(user, [entry])
      else entries.push(entry)
    }
  }

  remove(entry: Entry<item>): void {
    for (const user of entry.items.keys()) {
      const left = (this.#byUser.get(user) ?? []).filter((other) => other !== entry)
      if (left.length === 0) this.#byUser.delete(user)
      else this.#byUser.set(user, left)
    }
  }

  /** What entries of counting instances say of a user. */
  mentionsOf(user: string): Mention<item>[] {
    const mentions: Mention<item>[] = []
    for (const { items, revision, writer } of this.#byUser.get(user) ?? []) {
      const item = items.get(user)
      if (writer.as !== null && item !== undefined) mentions.push({ item, revision, as: writer.as })
    }
    return mentions
  }

  /** Every user that an entry speaks of, counting or not. */
  get users(): Iterable<string> {
    return this.#byUser.keys()
  }
}
