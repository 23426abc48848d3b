// A WebSocket made by hand of TCP bytes, for what no library would send: frames without a mask, fragments without end, broken
// handshakes, silence. It parts what the server writes into frames and judges nothing.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { Broken } from './expectation.ts'

/** Opcodes of RFC 6455. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** A WebSocket frame to send. */
export interface WireFrame {
  readonly opcode: number
  readonly payload?: Uint8Array | string
  /** Default true. */
  readonly fin?: boolean
  /** Default true, as RFC 6455 demands of clients. */
  readonly masked?: boolean
  /** The three reserved bits, 0 to 7. Default 0. */
  readonly reserved?: number
  /** The length that is claimed, where it is not that of the payload. */
  readonly length?: number
}

/** A frame that came. */
export interface CameFrame {
  readonly opcode: number
  readonly payload: Buffer
}

/** The bytes of a frame. */
export function wireFrame({ opcode, fin = true, masked = true, reserved = 0, ...frame }: WireFrame): Buffer {
  const payload = Buffer.from(frame.payload ?? '')
  const length = frame.length ?? payload.length
  const extended = Buffer.alloc(length < 126 ? 0 : length < 65_536 ? 2 : 8)
  if (extended.length === 2) extended.writeUInt16BE(length)
  if (extended.length === 8) extended.writeBigUInt64BE(BigInt(length))
  const short = length < 126 ? length : extended.length === 2 ? 126 : 127
  const head = Buffer.from([(fin ? 0x80 : 0) | (reserved << 4) | opcode, (masked ? 0x80 : 0) | short])
  if (!masked) return Buffer.concat([head, extended, payload])
  const mask = randomBytes(4)
  return Buffer.concat([head, extended, mask, payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))])
}

/** A TCP connection to a server. */
export class Wire implements AsyncDisposable {
  readonly socket: Socket
  readonly frames: CameFrame[] = []
  ended = false
  #upgraded = false
  #received = Buffer.alloc(0)

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

  /** Connects to the host of a `ws:` or `wss:` address, and sends nothing. */
  static async connect(url: string): Promise<Wire> {
    const { protocol, hostname, port } = new URL(url)
    const host = hostname.replace(/^\[|\]$/g, '')
    const secure = protocol === 'wss:'
    const at = { host, port: Number(port === '' ? (secure ? 443 : 80) : port) }
    const socket = secure ? connectTls({ ...at, servername: host }) : connectTcp(at)
    await once(socket, secure ? 'secureConnect' : 'connect')
    socket.setNoDelay(true)
    return new Wire(socket)
  }

  /** Connects and upgrades. */
  static async upgrade(url: string, headers: Readonly<Record<string, string>>): Promise<Wire> {
    const wire = await Wire.connect(url)
    const { host, pathname, search } = new URL(url)
    const lines = Object.entries({ Host: host, ...HANDSHAKE, ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    )
    wire.write(`GET ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`)
    const head = await wire.httpHead()
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Broken('an upgrade', head.split('\r\n')[0] ?? '')
    return wire
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes)
  }

  /** Texts received so far. */
  get texts(): string[] {
    return this.frames.filter(({ opcode }) => opcode === OPCODE.text).map(({ payload }) => payload.toString())
  }

  /** The code of the close frame; 1005 if it has none, 1006 if the connection ended without a close frame. */
  closeCode(timeoutMs: number): Promise<number> {
    return this.until('a close', timeoutMs, () => {
      const close = this.frames.find(({ opcode }) => opcode === OPCODE.close)
      if (close !== undefined) return close.payload.length < 2 ? 1005 : close.payload.readUInt16BE()
      return this.ended ? 1006 : null
    })
  }

  /** The head of the HTTP answer; from a 101 on, bytes are frames. */
  async httpHead(timeoutMs = HEAD_MS): Promise<string> {
    const end = await this.until('an HTTP answer', timeoutMs, () => {
      const at = this.#received.indexOf('\r\n\r\n')
      return at === -1 ? (this.ended ? this.#received.length : null) : at + 4
    })
    const head = this.#received.subarray(0, end).toString()
    this.#received = this.#received.subarray(end)
    this.#upgraded = head.startsWith('HTTP/1.1 101 ')
    if (this.#upgraded) this.#takeFrames()
    return head
  }

  /** Asks until the answer is not null. */
  async until<answer>(what: string, timeoutMs: number, probe: () => answer | null): Promise<answer> {
    const endsAt = performance.now() + timeoutMs
    for (;;) {
      const answer = probe()
      if (answer !== null) return answer
      if (performance.now() > endsAt) throw new Broken(what, `nothing within ${timeoutMs} ms`)
      await pause(POLL_MS)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy()
  }

  /** A server's frames are never masked. */
  #takeFrames(): void {
    for (;;) {
      const bytes = this.#received
      const short = (bytes[1] ?? 0) & 0x7f
      const head = short === 126 ? 4 : short === 127 ? 10 : 2
      if (bytes.length < head) return
      const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
      if (bytes.length < head + length) return
      this.frames.push({ opcode: (bytes[0] ?? 0) & 0x0f, payload: Buffer.from(bytes.subarray(head, head + length)) })
      this.#received = bytes.subarray(head + length)
    }
  }
}

const HEAD_MS = 5000
const POLL_MS = 5
const HANDSHAKE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}
