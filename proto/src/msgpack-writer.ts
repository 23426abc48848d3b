// Writes MessagePack: what JSON can say, and bin, each in its shortest form. Integers stay integers up to 2^53−1, as peers
// with typed decoders read offsets and instants into them. The result is a buffer of its own and exactly as long as the frame,
// since a queue counts what it holds.
import { DATA_DEPTH_MAX } from './limits.ts'

/** A frame's own levels above its `data`: its map, and the list and the map of `messages`. */
const FRAME_DEPTH_MAX = DATA_DEPTH_MAX + 3

const START_BYTES = 512

/** Texts up to this length are first tried as ASCII: calling a TextEncoder costs more. At 31 the head has another form. */
const SHORT_TEXT_CHARS_MAX = 31

const encoder = new TextEncoder()

/**
 * Encodes a value. Members that are undefined are left out, as in JSON.
 *
 * @throws RangeError for what is nested too deep for a frame, TypeError for what JSON cannot say either
 */
export function writeMsgpack(value: unknown): Uint8Array {
  const writer = new MsgpackWriter()
  writer.value(value, 0)
  return writer.finish()
}

class MsgpackWriter {
  #bytes = new Uint8Array(START_BYTES)
  #view = new DataView(this.#bytes.buffer)
  #at = 0

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#at)
  }

  value(value: unknown, depth: number): void {
    if (depth > FRAME_DEPTH_MAX) throw new RangeError(`nested deeper than ${DATA_DEPTH_MAX}`)
    if (value === null || value === undefined) this.#head(0xc0)
    else if (typeof value === 'boolean') this.#head(value ? 0xc3 : 0xc2)
    else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'string') this.#text(value)
    else if (typeof value !== 'object') throw new TypeError(`a ${typeof value} is no value of a frame`)
    else if (value instanceof Uint8Array) this.#bin(value)
    else if (Array.isArray(value)) this.#list(value, depth)
    else this.#map(value as Record<string, unknown>, depth)
  }

  #list(list: readonly unknown[], depth: number): void {
    if (list.length < 16) this.#head(0x90 | list.length)
    else this.#sized(list.length, null, 0xdc, 0xdd)
    for (const item of list) this.value(item, depth + 1)
  }

  #map(object: Readonly<Record<string, unknown>>, depth: number): void {
    const keys = Object.keys(object).filter((key) => object[key] !== undefined)
    if (keys.length < 16) this.#head(0x80 | keys.length)
    else this.#sized(keys.length, null, 0xde, 0xdf)
    for (const key of keys) {
      this.#text(key)
      this.value(object[key], depth + 1)
    }
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) this.#float(value)
    else if (value >= 0) {
      if (value < 0x80) this.#head(value)
      else if (value <= 0xffff_ffff) this.#sized(value, 0xcc, 0xcd, 0xce)
      else this.#long(0xcf, value)
    } else if (value >= -0x20) this.#head(value & 0xff)
    else if (value >= -0x8000_0000) this.#negative(value)
    else this.#long(0xd3, value)
  }

  // Each asks for the place before it names the view: making room may replace it.

  #negative(value: number): void {
    const bytes = value >= -0x80 ? 1 : value >= -0x8000 ? 2 : 4
    const at = this.#head(bytes === 1 ? 0xd0 : bytes === 2 ? 0xd1 : 0xd2, bytes)
    if (bytes === 1) this.#view.setInt8(at, value)
    else if (bytes === 2) this.#view.setInt16(at, value)
    else this.#view.setInt32(at, value)
  }

  #float(value: number): void {
    const at = this.#head(0xcb, 8)
    this.#view.setFloat64(at, value)
  }

  #long(head: number, value: number): void {
    const at = this.#head(head, 8)
    this.#view.setInt32(at, Math.floor(value / 2 ** 32))
    this.#view.setUint32(at + 4, value >>> 0)
  }

  #text(text: string): void {
    if (text.length <= SHORT_TEXT_CHARS_MAX && this.#ascii(text)) return
    // A lone surrogate becomes U+FFFD, as MessagePack's text is UTF-8.
    const bytes = encoder.encode(text)
    if (bytes.length < 32) this.#head(0xa0 | bytes.length)
    else this.#sized(bytes.length, 0xd9, 0xda, 0xdb)
    this.#raw(bytes)
  }

  /** Writes a short text unless it holds more than ASCII; then nothing was written. */
  #ascii(text: string): boolean {
    const start = this.#at
    let at = this.#head(0xa0 | text.length, text.length)
    for (let next = 0; next < text.length; next++) {
      const code = text.charCodeAt(next)
      if (code >= 0x80) {
        this.#at = start
        return false
      }
      this.#bytes[at++] = code
    }
    return true
  }

  #bin(bytes: Uint8Array): void {
    this.#sized(bytes.length, 0xc4, 0xc5, 0xc6)
    this.#raw(bytes)
  }

  #raw(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** A head with an unsigned number of 8, 16 or 32 bits behind it; arrays and maps have no head for 8. */
  #sized(number: number, head8: number | null, head16: number, head32: number): void {
    const bytes = head8 !== null && number <= 0xff ? 1 : number <= 0xffff ? 2 : 4
    const at = this.#head(bytes === 1 && head8 !== null ? head8 : bytes === 2 ? head16 : head32, bytes)
    if (bytes === 1) this.#view.setUint8(at, number)
    else if (bytes === 2) this.#view.setUint16(at, number)
    else this.#view.setUint32(at, number)
  }

  /** Writes a head and leaves room for what follows it: where that begins. */
  #head(head: number, following = 0): number {
    this.#room(1 + following)
    const at = this.#at
    this.#bytes[at] = head
    this.#at = at + 1 + following
    return at + 1
  }

  #room(bytes: number): void {
    const needed = this.#at + bytes
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length))
    grown.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}
