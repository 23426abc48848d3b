// One TCP connection of a flooder: cheap to make by the thousand, and it reads of the answer only the HTTP status and a close code.
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** See {@link upgradeRequest}. */
export interface UpgradeOptions {
  /** What the proxy before the gateway would say. */
  readonly from: string
  readonly token?: string
}

/** The bytes of an upgrade. */
export function upgradeRequest({ from, token }: UpgradeOptions): string {
  const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`
  return (
    'GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
    `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Forwarded-For: ${from}\r\n${authorization}\r\n`
  )
}

/** How long a flooder waits for an answer. */
const ANSWER_MS = 20_000

/** A connection. */
export class Dialled {
  /** The HTTP status, `cut` where there was none, or `silence` where nothing came at all. */
  readonly status: Promise<string>
  /** Whether the gateway has ended it. */
  over = false
  readonly #socket: Socket
  #answered: (status: string) => void = () => undefined
  #upgraded = false
  #closeCode: number | null = null
  #unread: Buffer = Buffer.alloc(0)

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.status = new Promise((resolve) => {
      this.#answered = resolve
    })
    const late = setTimeout(() => this.#answered('silence'), ANSWER_MS)
    this.#socket.on('data', (piece) => this.#read(piece))
    this.#socket.on('error', () => undefined)
    this.#socket.on('close', () => {
      clearTimeout(late)
      this.over = true
      this.#answered('cut')
    })
    void this.status.then(() => clearTimeout(late))
  }

  write(bytes: Buffer | string): void {
    this.#socket.write(bytes)
  }

  /** Resolves when the bytes are out, or the connection is over. */
  written(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.write(bytes, () => resolve())
    })
  }

  end(): void {
    this.#socket.destroy()
  }

  /** The close code, or `cut`, once it is over; `end` if that has not come within a second of the flood's end. */
  async outcome(endsAt: number): Promise<string> {
    while (!this.over && this.#closeCode === null) {
      if (performance.now() > endsAt + 1000) return 'end'
      await pause(5)
    }
    return this.#closeCode === null ? 'cut' : String(this.#closeCode)
  }

  #read(piece: Buffer): void {
    this.#unread = this.#unread.length === 0 ? piece : Buffer.concat([this.#unread, piece])
    if (!this.#upgraded && !this.#readHead()) return
    this.#readFrames()
  }

  #readHead(): boolean {
    const end = this.#unread.indexOf('\r\n\r\n')
    if (end === -1) return false
    const status = this.#unread.toString('latin1', 9, 12)
    this.#unread = this.#unread.subarray(end + 4)
    this.#upgraded = status === '101'
    this.#answered(status)
    return this.#upgraded
  }

  #readFrames(): void {
    let at = 0
    while (this.#unread.length >= at + 4) {
      const short = (this.#unread[at + 1] ?? 0) & 0x7f
      const head = short === 126 ? 4 : 2
      const length = short === 126 ? this.#unread.readUInt16BE(at + 2) : short
      if (this.#unread.length < at + head + length) break
      if (((this.#unread[at] ?? 0) & 0x0f) === 8) {
        this.#closeCode = length < 2 ? 1005 : this.#unread.readUInt16BE(at + head)
        this.over = true
        this.end()
      }
      at += head + length
    }
    this.#unread = this.#unread.subarray(at)
  }
}
