// How one gateway divides the members of a room, or the users of a shard, among its entries: a change rewrites one small entry,
// and no entry outgrows a message. Decides which chunks are to be written, never when; knows items as texts by name. Pure.
import { CHUNK_MAX } from './keys.ts'
import { ENTRY_BYTES_MAX, ENTRY_ITEMS_MAX } from './values.ts'

/** A chunk that is to be written. */
export interface ChunkWrite {
  readonly chunk: number
  /** The texts of its items; null for one that has become empty and is to be purged, with a TTL marker. */
  readonly texts: readonly string[] | null
}

/** Bounds of a chunk. */
export interface ChunkBounds {
  readonly itemsMax: number
  /** Of its items' texts in UTF-8, commas included. */
  readonly bytesMax: number
}

/** The bounds of the contract; 1 KiB is left for what stands around the items. */
export const CHUNK_BOUNDS: ChunkBounds = { itemsMax: ENTRY_ITEMS_MAX, bytesMax: ENTRY_BYTES_MAX - 1024 }

/** Items by name in chunks. */
export interface Chunks {
  /**
   * Adds or replaces an item. One that is there stays in its chunk, unless it outgrows it; one that was deleted since the last
   * {@link Chunks.take} comes back to its chunk; others go to the first with room.
   *
   * @returns whether anything has changed
   * @throws RangeError for an item larger than a chunk, or beyond the last chunk: connections are bounded far below
   */
  set(name: string, text: string): boolean
  /** Deletes an item; whether it was there. */
  delete(name: string): boolean
  /**
   * What is to be written since the last time, in the order of writing: the chunk that an item has moved to before the one that
   * it left, so that it is never nowhere.
   */
  take(): ChunkWrite[]
  /** A write that was taken has failed: the chunk, as it is then, is taken again. */
  failed(chunk: number): void
  /** Everything is to be written again, by a new instance or into a new bucket, where nothing needs to be purged. */
  rewrite(): void
  /** Items. */
  readonly size: number
  /** Whether {@link Chunks.take} would give something. */
  readonly dirty: boolean
}

interface Chunk {
  readonly items: Map<string, string>
  /** What was deleted since the last take, by name with its bytes: its place is kept for it. */
  readonly leaving: Map<string, number>
  /** Of items and of places that are kept. */
  bytes: number
  dirty: boolean
  /** When an item first moved away since the last take, as a count of moves; null if none did. */
  lost: number | null
  /** The same at the last take, for the case that its write fails. */
  lostTaken: number | null
  /** Whether an entry may stand in the bucket. */
  written: boolean
}

const encoder = new TextEncoder()

/** Makes it empty. */
export function createChunks(bounds: ChunkBounds = CHUNK_BOUNDS): Chunks {
  return new BoundedChunks(bounds)
}

class BoundedChunks implements Chunks {
  readonly #bounds: ChunkBounds
  readonly #chunks: Chunk[] = []
  /** The chunk of each item, and of each place that is kept. */
  readonly #chunkOf = new Map<string, Chunk>()
  #size = 0
  #moves = 0

  constructor(bounds: ChunkBounds) {
    this.#bounds = bounds
  }

  set(name: string, text: string): boolean {
    const bytes = bytesOf(text)
    if (bytes > this.#bounds.bytesMax) throw new RangeError(`an item of ${bytes} bytes is larger than a chunk`)
    const own = this.#chunkOf.get(name)
    const old = own?.items.get(name)
    if (old === text) return false
    if (own !== undefined) this.#remove(own, name)
    const chunk = own !== undefined && this.#fits(own, bytes) ? own : this.#withRoom(bytes)
    if (own !== undefined && chunk !== own) own.lost ??= ++this.#moves
    chunk.items.set(name, text)
    chunk.bytes += bytes
    chunk.dirty = true
    this.#chunkOf.set(name, chunk)
    this.#size++
    return true
  }

  delete(name: string): boolean {
    const chunk = this.#chunkOf.get(name)
    const text = chunk?.items.get(name)
    if (chunk === undefined || text === undefined) return false
    this.#remove(chunk, name)
    const bytes = bytesOf(text)
    chunk.leaving.set(name, bytes)
    chunk.bytes += bytes
    this.#chunkOf.set(name, chunk)
    return true
  }

  take(): ChunkWrite[] {
    const dirty = [...this.#chunks.entries()].filter(([, chunk]) => chunk.dirty)
    // What receives an item has lost none until then (see #withRoom), so no two wait for each other.
    dirty.sort(([, a], [, b]) => (b.lost ?? Number.MAX_SAFE_INTEGER) - (a.lost ?? Number.MAX_SAFE_INTEGER))
    return dirty.flatMap(([number, chunk]): ChunkWrite[] => {
      const texts = chunk.items.size === 0 ? null : [...chunk.items.values()]
      // What came and went between two takes was never written.
      const needed = texts !== null || chunk.written
      this.#clean(chunk)
      chunk.written = texts !== null
      return needed ? [{ chunk: number, texts }] : []
    })
  }

  failed(number: number): void {
    const chunk = this.#chunks[number]
    if (chunk === undefined) return
    chunk.dirty = true
    chunk.lost ??= chunk.lostTaken
    // It may have been written all the same.
    chunk.written = true
  }

  rewrite(): void {
    for (const chunk of this.#chunks) {
      this.#clean(chunk)
      chunk.written = false
      chunk.dirty = chunk.items.size > 0
    }
  }

  get size(): number {
    return this.#size
  }

  get dirty(): boolean {
    return this.#chunks.some(({ dirty, items, written }) => dirty && (items.size > 0 || written))
  }

  /** Takes an item, or the place that is kept for it, out of its chunk. */
  #remove(chunk: Chunk, name: string): void {
    const text = chunk.items.get(name)
    const bytes = text === undefined ? (chunk.leaving.get(name) ?? 0) : bytesOf(text)
    if (chunk.items.delete(name)) this.#size--
    chunk.leaving.delete(name)
    chunk.bytes -= bytes
    chunk.dirty = true
    this.#chunkOf.delete(name)
  }

  /** What has changed since the last take is told: places are kept no longer. */
  #clean(chunk: Chunk): void {
    for (const [name, bytes] of chunk.leaving) {
      chunk.bytes -= bytes
      this.#chunkOf.delete(name)
    }
    chunk.leaving.clear()
    chunk.dirty = false
    chunk.lostTaken = chunk.lost
    chunk.lost = null
  }

  #fits({ items, leaving, bytes: used }: Chunk, bytes: number): boolean {
    return items.size + leaving.size < this.#bounds.itemsMax && used + bytes <= this.#bounds.bytesMax
  }

  #withRoom(bytes: number): Chunk {
    const found = this.#chunks.find((chunk) => chunk.lost === null && this.#fits(chunk, bytes))
    if (found !== undefined) return found
    if (this.#chunks.length > CHUNK_MAX) throw new RangeError(`more than ${CHUNK_MAX + 1} chunks`)
    const chunk = {
      items: new Map(),
      leaving: new Map(),
      bytes: 0,
      dirty: false,
      lost: null,
      lostTaken: null,
      written: false,
    }
    this.#chunks.push(chunk)
    return chunk
  }
}

/** A comma parts it from the next. */
function bytesOf(text: string): number {
  return encoder.encode(text).length + 1
}
