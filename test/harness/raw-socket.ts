// A WebSocket made by hand of TCP bytes, for what no library would send: frames without a mask, broken handshakes, fragments,
// and silence. It reads what the gateway writes into frames and judges nothing.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { until } from './until.ts'

/** A WebSocket frame as it was received. */
export interface WireFrame {
  readonly opcode: number
  readonly fin: boolean
  /** The three reserved bits, 0 to 7. */
  readonly reserved: number
  readonly payload: Buffer
}

/** A WebSocket frame to send. */
export interface WireFrameOptions {
  readonly opcode: number
  readonly payload?: Uint8Array | string
  /** Default true. */
  readonly fin?: boolean
  /** Default true, as the protocol demands of clients. */
  readonly masked?: boolean
  /** The three reserved bits, 0 to 7. Default 0. */
  readonly reserved?: number
  /** The length that is claimed, where it is not that of the payload. */
  readonly length?: number
}

/** Opcodes of RFC 6455. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** The bytes of a frame. */
export function wireFrame(options: WireFrameOptions): Buffer {
  const { opcode, fin = true, masked = true, reserved = 0 } = options
  const payload = Buffer.from(options.payload ?? '')
  const length = options.length ?? payload.length
  const extended = length < 126 ? Buffer.alloc(0) : Buffer.alloc(length < 65_536 ? 2 : 8)
  if (extended.length === 2) extended.writeUInt16BE(length)
  if (extended.length === 8) extended.writeBigUInt64BE(BigInt(length))
  const short = extended.length === 0 ? length : extended.length === 2 ? 126 : 127
  const head = Buffer.from([(fin ? 0x80 : 0) | (reserved << 4) | opcode, (masked ? 0x80 : 0) | short])
  if (!masked) return Buffer.concat([head, extended, payload])
  const mask = randomBytes(4)
  const hidden = payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))
  return Buffer.concat([head, extended, mask, hidden])
}

/** A TCP connection to a gateway. */
export class RawSocket implements AsyncDisposable {
  readonly socket: Socket
  /** Bytes that have arrived and stand in no frame yet; the HTTP answer among them, until it is taken. */
  #received = Buffer.alloc(0)
  readonly frames: WireFrame[] = []
  ended = false
  /** Whether the answer 101 has come, from which on bytes are frames. */
  #upgraded = false

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (piece: Buffer) => {
      this.#received = Buffer.concat([this.#received, piece])
      if (this.#upgraded) this.#takeFrames()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.ended = true
    })
  }

  /** Connects, and sends nothing. */
  static async connect(port: number): Promise<RawSocket> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new RawSocket(socket)
  }

  /** Connects and upgrades. */
  static async upgrade(port: number, headers: Readonly<Record<string, string>> = {}): Promise<RawSocket> {
    const raw = await RawSocket.connect(port)
    const lines = Object.entries({ ...HANDSHAKE, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
    raw.write(`GET /ws HTTP/1.1\r\nHost: localhost\r\n${lines.join('')}\r\n`)
    const answer = await raw.httpAnswer()
    if (!answer.startsWith('HTTP/1.1 101 ')) throw new Error(`no upgrade: ${answer}`)
    return raw
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes)
  }

  /** Resolves with the head of the HTTP answer, or with what there was when the gateway ended the connection. */
  async httpAnswer(timeoutMs = 5000): Promise<string> {
    const end = await until(
      () => {
        const at = this.#received.indexOf('\r\n\r\n')
        return at === -1 ? this.ended && { at: this.#received.length } : { at: at + 4 }
      },
      { timeoutMs, what: 'the HTTP answer' },
    )
    const head = this.#received.subarray(0, end.at).toString()
    this.#received = this.#received.subarray(end.at)
    this.#upgraded = head.startsWith('HTTP/1.1 101 ')
    if (this.#upgraded) this.#takeFrames()
    return head
  }

  /** Texts received so far. */
  get texts(): string[] {
    return this.frames.filter(({ opcode }) => opcode === OPCODE.text).map(({ payload }) => payload.toString())
  }

  /** The code of the close frame; 1006 if the connection ended without one. */
  closeCode(timeoutMs = 5000): Promise<number> {
    return until(
      () => {
        const close = this.frames.find(({ opcode }) => opcode === OPCODE.close)
        if (close !== undefined) return close.payload.length < 2 ? 1005 : close.payload.readUInt16BE()
        return this.ended && 1006
      },
      { timeoutMs, what: 'the close' },
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy()
  }

  /** Frames of a server are short enough here and never masked. */
  #takeFrames(): void {
    for (;;) {
      const bytes = this.#received
      const short = (bytes[1] ?? 0) & 0x7f
      const head = short === 126 ? 4 : short === 127 ? 10 : 2
      if (bytes.length < head) return
      const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
      if (bytes.length < head + length) return
      const first = bytes[0] ?? 0
      const payload = Buffer.from(bytes.subarray(head, head + length))
      this.frames.push({ opcode: first & 0x0f, fin: (first & 0x80) !== 0, reserved: (first >> 4) & 7, payload })
      this.#received = bytes.subarray(head + length)
    }
  }
}

const HANDSHAKE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}
