// Reads MessagePack as frames need it: what JSON can say, and bin. Written for hostile input: one pass without recursion, work
// and memory in proportion to the bytes, nothing thrown, no state that outlives a call. A general library would resolve
// references, build classes and compile readers for what a peer sends; here an extension is skipped and reported.
import { DATA_DEPTH_MAX } from './limits.ts'
import { MsgpackCursor } from './msgpack-cursor.ts'

/** Why a value is not JSON-compatible. */
export type Incompatibility = 'bin' | 'depth' | 'extension' | 'integer' | 'key' | 'number'

/** A frame as it was read. */
export interface MsgpackMap {
  /** As JSON.parse would have made it, bin as views of the message. Null stands for an extension, and for what is nested too deep. */
  readonly members: Readonly<Record<string, unknown>>
  /** For each member that JSON could not have said, what comes first in it; bin counts only inside of arrays and maps. */
  readonly incompatibilities: ReadonlyMap<string, Incompatibility>
}

/**
 * Reads a message that is one map with text keys; of two equal keys the last counts, as in JSON.
 *
 * @returns null for anything else: truncated or trailing bytes, text that is no UTF-8, the unused byte c1
 */
export function readMsgpackMap(message: Uint8Array): MsgpackMap | null {
  return new MsgpackReader(message).map()
}

/** An array or a map that is being filled. */
interface Open {
  readonly list: unknown[] | null
  readonly object: Record<string, unknown> | null
  /** Values still to come; in maps, keys count as well. */
  left: number
  /** In maps the key of the value that comes next: undefined while the key itself comes next, null if it was no text. */
  key: string | null | undefined
}

class MsgpackReader {
  readonly #cursor: MsgpackCursor
  #incompatibility: Incompatibility | null = null

  constructor(message: Uint8Array) {
    this.#cursor = new MsgpackCursor(message)
  }

  map(): MsgpackMap | null {
    const head = this.#cursor.uint(1)
    const size = this.#size(head)
    if (size === null || !isMap(head)) return null
    const members: Record<string, unknown> = {}
    const incompatibilities = new Map<string, Incompatibility>()
    for (let left = size; left > 0 && !this.#cursor.malformed; left -= 2) {
      const key = this.#value()
      this.#incompatibility = null
      const value = this.#value()
      if (typeof key !== 'string') return null
      setMember(members, key, value)
      if (this.#incompatibility === null) incompatibilities.delete(key)
      else incompatibilities.set(key, this.#incompatibility)
    }
    return this.#cursor.malformed || this.#cursor.left > 0 ? null : { members, incompatibilities }
  }

  /** One value with all that is in it. */
  #value(): unknown {
    const stack: Open[] = []
    while (!this.#cursor.malformed) {
      const head = this.#cursor.uint(1)
      const size = this.#size(head)
      let value: unknown
      if (size === null) value = this.#scalar(head, stack.length > 0)
      else if (stack.length >= DATA_DEPTH_MAX) value = this.#tooDeep(size)
      else {
        const open = isMap(head) ? openMap(size) : openList(size)
        if (size > 0) {
          stack.push(open)
          continue
        }
        value = open.list ?? open.object
      }
      for (;;) {
        const parent = stack.at(-1)
        if (parent === undefined) return value
        this.#put(parent, value)
        if (parent.left > 0) break
        value = parent.list ?? parent.object
        stack.pop()
      }
    }
    return undefined
  }

  /** Steps over the values of an array or map that nobody will look at, and makes nothing for what is nested in it. */
  #tooDeep(size: number): null {
    this.#note('depth')
    for (let left = size; left > 0 && !this.#cursor.malformed; left--) {
      const head = this.#cursor.uint(1)
      const inner = this.#size(head)
      if (inner === null) this.#scalar(head, true)
      else left += inner
    }
    return null
  }

  /** How many values follow the head of an array or map, keys included; null for the head of anything else. */
  #size(head: number): number | null {
    let size: number
    if (head >= 0x80 && head <= 0x9f) size = head & 0x0f
    else if (head >= 0xdc && head <= 0xdf) size = this.#cursor.uint(head % 2 === 0 ? 2 : 4)
    else return null
    if (isMap(head)) size *= 2
    // Each value takes a byte at least: a size beyond the message is refused before anything is made for it.
    if (size > this.#cursor.left) this.#cursor.refuse()
    return size
  }

  #put(parent: Open, value: unknown): void {
    parent.left--
    if (parent.list !== null) parent.list.push(value)
    else if (parent.key === undefined) {
      parent.key = typeof value === 'string' ? value : null
      if (parent.key === null) this.#note('key')
    } else {
      if (parent.key !== null) setMember(parent.object ?? {}, parent.key, value)
      parent.key = undefined
    }
  }

  #scalar(head: number, nested: boolean): unknown {
    const cursor = this.#cursor
    if (head < 0x80) return head
    if (head >= 0xe0) return head - 0x100
    if (head <= 0xbf) return cursor.text(head & 0x1f)
    switch (head) {
      case 0xc0:
        return null
      case 0xc2:
      case 0xc3:
        return head === 0xc3
      case 0xc4:
      case 0xc5:
      case 0xc6:
        if (nested) this.#note('bin')
        return cursor.bin(cursor.uint(width(head - 0xc4)))
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#extension(cursor.uint(width(head - 0xc7)))
      case 0xca:
      case 0xcb:
        return this.#float(head === 0xca ? 4 : 8)
      case 0xcc:
      case 0xcd:
      case 0xce:
        return cursor.uint(width(head - 0xcc))
      case 0xd0:
      case 0xd1:
      case 0xd2:
        return cursor.int(width(head - 0xd0))
      case 0xcf:
      case 0xd3:
        return this.#long(head === 0xd3)
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(1 << (head - 0xd4))
      case 0xd9:
      case 0xda:
      case 0xdb:
        return cursor.text(cursor.uint(width(head - 0xd9)))
      default:
        cursor.refuse()
        return null
    }
  }

  /** Beyond 2^53−1 a number would silently be another, in JSON text as in JavaScript. */
  #long(signed: boolean): number {
    const value = this.#cursor.long(signed)
    if (!Number.isSafeInteger(value)) this.#note('integer')
    return value
  }

  #float(bytes: 4 | 8): number {
    const value = this.#cursor.float(bytes)
    if (!Number.isFinite(value)) this.#note('number')
    return value
  }

  #extension(bytes: number): null {
    this.#cursor.skip(1 + bytes)
    this.#note('extension')
    return null
  }

  #note(incompatibility: Incompatibility): void {
    this.#incompatibility ??= incompatibility
  }
}

/** Of the heads of arrays and maps, whether it is a map's. */
function isMap(head: number): boolean {
  return head <= 0x8f || head >= 0xde
}

function openList(left: number): Open {
  return { list: [], object: null, left, key: undefined }
}

function openMap(left: number): Open {
  return { list: null, object: {}, left, key: undefined }
}

/** Heads for sizes of 8, 16 and 32 bits follow each other. */
function width(step: number): 1 | 2 | 4 {
  return step === 0 ? 1 : step === 1 ? 2 : 4
}

function setMember(object: Record<string, unknown>, key: string, value: unknown): void {
  // Defined, not assigned: `__proto__` would set the prototype.
  if (key !== '__proto__') object[key] = value
  else Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
}
