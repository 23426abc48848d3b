// Counts the WebSocket frames in a stream of bytes, however it is cut into pieces. It looks at headers alone, and copies a
// payload only for those who ask for it: the handshake does, the counting does not.

const OPCODE_MASK = 0x0f
const MASKED = 0x80
const LENGTH_MASK = 0x7f
const HEADER_BYTES_MAX = 10
const FIRST_CONTROL = 0x8

/** The frames of one connection. */
export class FrameCounter {
  /** Messages: text and binary frames that have arrived whole. */
  messages = 0
  /** Bytes of those, headers included. */
  bytes = 0
  /** Pings, pongs and closes. */
  controls = 0
  /** Given each message's payload, a copy, while it is set. */
  onMessage: ((payload: Buffer) => void) | null = null

  readonly #header = Buffer.alloc(HEADER_BYTES_MAX)
  #headerHas = 0
  #headerNeeds = 2
  #payloadBytes = 0
  #payloadLeft = 0
  #inPayload = false
  #parts: Buffer[] = []

  /**
   * Takes the next bytes of the stream.
   *
   * @param chunk - its first `length` bytes are read, and not kept
   * @throws Error for a masked frame, which no server sends
   */
  push(chunk: Buffer, length: number = chunk.length): void {
    let at = 0
    while (at < length) {
      if (this.#inPayload) {
        const taken = Math.min(this.#payloadLeft, length - at)
        if (this.onMessage !== null) this.#parts.push(Buffer.from(chunk.subarray(at, at + taken)))
        this.#payloadLeft -= taken
        at += taken
        if (this.#payloadLeft === 0) this.#finish()
      } else {
        this.#header[this.#headerHas++] = chunk[at++] as number
        if (this.#headerHas === 2) this.#headerNeeds = headerBytes(this.#header[1] as number)
        if (this.#headerHas === this.#headerNeeds) this.#begin()
      }
    }
  }

  #begin(): void {
    const header = this.#header
    this.#payloadBytes = header[1] as number
    if (this.#headerNeeds === 4) this.#payloadBytes = header.readUInt16BE(2)
    if (this.#headerNeeds === 10) this.#payloadBytes = Number(header.readBigUInt64BE(2))
    this.#payloadLeft = this.#payloadBytes
    this.#inPayload = true
    if (this.#payloadLeft === 0) this.#finish()
  }

  #finish(): void {
    if (((this.#header[0] as number) & OPCODE_MASK) >= FIRST_CONTROL) this.controls++
    else {
      this.messages++
      this.bytes += this.#headerNeeds + this.#payloadBytes
      this.onMessage?.(Buffer.concat(this.#parts))
    }
    this.#parts = []
    this.#inPayload = false
    this.#headerHas = 0
    this.#headerNeeds = 2
  }
}

function headerBytes(second: number): number {
  if ((second & MASKED) !== 0) throw new Error('a masked frame: that is no server')
  const length = second & LENGTH_MASK
  if (length < 126) return 2
  return length === 126 ? 4 : HEADER_BYTES_MAX
}
