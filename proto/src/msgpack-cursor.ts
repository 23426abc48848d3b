// Steps through the bytes of a MessagePack message: numbers, texts and bins at a position that moves. Knows the widths of
// values, not their meaning. Never throws and never reads beyond the end: it turns malformed, and answers something harmless.

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Texts of at most so many bytes are first tried as ASCII: calling a TextDecoder costs more. */
const SHORT_TEXT_BYTES_MAX = 24

/** A position in a message. */
export class MsgpackCursor {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0
  #malformed = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Whether the message ended before what was asked of it, or was found wrong: every loop over it ends then. */
  get malformed(): boolean {
    return this.#malformed
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** The caller has found something wrong. */
  refuse(): void {
    this.#malformed = true
  }

  /** An unsigned integer. */
  uint(bytes: 1 | 2 | 4): number {
    const at = this.skip(bytes)
    if (at === null) return 0
    if (bytes === 1) return this.#view.getUint8(at)
    return bytes === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at)
  }

  /** A signed integer. */
  int(bytes: 1 | 2 | 4): number {
    const unused = 32 - 8 * bytes
    return (this.uint(bytes) << unused) >> unused
  }

  /** An integer of 64 bits; one that is no safe integer is not exact. */
  long(signed: boolean): number {
    const at = this.skip(8)
    if (at === null) return 0
    const high = signed ? this.#view.getInt32(at) : this.#view.getUint32(at)
    return high * 2 ** 32 + this.#view.getUint32(at + 4)
  }

  /** A float. */
  float(bytes: 4 | 8): number {
    const at = this.skip(bytes)
    if (at === null) return 0
    return bytes === 4 ? this.#view.getFloat32(at) : this.#view.getFloat64(at)
  }

  /** A text; bytes that are no UTF-8 are malformed. */
  text(bytes: number): string {
    const at = this.skip(bytes)
    if (at === null) return ''
    const text = bytes <= SHORT_TEXT_BYTES_MAX ? this.#ascii(at, bytes) : null
    return text ?? this.#utf8(at, bytes)
  }

  /** A view of the message. Never a subarray, which of a Buffer would be a Buffer. */
  bin(bytes: number): Uint8Array {
    const at = this.skip(bytes)
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + (at ?? 0), at === null ? 0 : bytes)
  }

  /** Steps over bytes: where they begin, or null if the message ends before they do. */
  skip(bytes: number): number | null {
    const at = this.#at
    if (bytes > this.#bytes.length - at) this.#malformed = true
    if (this.#malformed) return null
    this.#at = at + bytes
    return at
  }

  #ascii(at: number, bytes: number): string | null {
    let text = ''
    for (let next = at; next < at + bytes; next++) {
      const byte = this.#view.getUint8(next)
      if (byte >= 0x80) return null
      text += String.fromCharCode(byte)
    }
    return text
  }

  #utf8(at: number, bytes: number): string {
    try {
      return decoder.decode(this.#bytes.subarray(at, at + bytes))
    } catch {
      // Only text that is no UTF-8 makes a fatal decoder throw, and a peer sent it.
      this.#malformed = true
      return ''
    }
  }
}
