// What this gateway writes under neighbouring keys: the members of one room, or the users of one shard of the directory. Knows what
// is to be written, what was acknowledged and with which revision; when it is written is entry-writer.ts's business. Pure.
import { type Chunks, createChunks, type Instance } from '@sluice/proto'

/** How the entries of a group are spelt. */
export interface EntryForm {
  readonly keyOf: (instance: Instance, chunk: number) => string
  /** The value of a chunk from the texts of its items. */
  readonly textOf: (texts: readonly string[]) => string
}

/** Entries of one room or one shard. */
export interface EntryGroup extends EntryForm {
  readonly chunks: Chunks
  /** Counts changes. */
  changes: number
  /** How many of them are known to be stored. */
  stored: number
  /** The revision of each chunk that stands in the bucket under the present instance, as far as was acknowledged. */
  readonly revisions: Map<number, number>
  /** When it was last written, in monotonic milliseconds. */
  writtenMs: number
  /** Whether a write is under way: the next one waits for it, as nothing orders a late one behind it. */
  writing: boolean
}

/** Makes an empty group. */
export function createEntryGroup(form: EntryForm): EntryGroup {
  return {
    ...form,
    chunks: createChunks(),
    changes: 0,
    stored: 0,
    revisions: new Map(),
    writtenMs: Number.NEGATIVE_INFINITY,
    writing: false,
  }
}

/** Adds or replaces an item, or deletes it with a text of null; whether anything has changed. */
export function changeItem({ chunks }: EntryGroup, name: string, text: string | null): boolean {
  return text === null ? chunks.delete(name) : chunks.set(name, text)
}

/** Whether nothing is in it, in the bucket or on its way there, so that it can be forgotten. */
export function isSpent({ chunks, writing, changes, stored }: EntryGroup): boolean {
  return chunks.size === 0 && !chunks.dirty && !writing && stored === changes
}
