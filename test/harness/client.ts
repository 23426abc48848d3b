// A client of the tests: the ws package and nothing of our own client, so that it can also do what ours never would. It keeps
// every frame, answers nothing by itself but WebSocket pings, and waits for conditions.
import { type IncomingMessage, request } from 'node:http'
import { Packr, Unpackr } from 'msgpackr'
import { WebSocket } from 'ws'
import { until, within } from './until.ts'

/** A frame of the gateway, decoded. */
export interface Frame {
  readonly type: string
  readonly [field: string]: unknown
}

/** How a socket was closed. */
export interface Close {
  readonly code: number
  readonly reason: string
}

/** How a token is brought. `frame` sends it as the first frame. */
export type TokenWay = 'header' | 'subprotocol' | 'query' | 'frame'

/** How a socket is opened. */
export interface ClientOptions {
  readonly token?: string
  /** Default `header`. */
  readonly by?: TokenWay
  /** Default `json`. */
  readonly encoding?: 'json' | 'msgpack'
  /** Offered subprotocols in place of the one of the encoding. */
  readonly subprotocols?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  /** Whether WebSocket pings are answered; default true. */
  readonly autoPong?: boolean
  /** Whether compression is offered, and used for every message where it was agreed; default false. */
  readonly compression?: boolean
  /** Certificate of the authority that is trusted, for `wss`. */
  readonly ca?: string
}

/** An upgrade that was refused. */
export interface Refusal {
  readonly status: number
  readonly headers: IncomingMessage['headers']
}

const SUBPROTOCOLS = { json: 'sluice.v1.json', msgpack: 'sluice.v1.msgpack' } as const
const NEXT_MS = 5000
const CLOSE_MS = 15_000

// Maps as objects and plain strings as keys, as any msgpack library would send them.
const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true })
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' })

/** A socket of the tests. */
export class Client implements AsyncDisposable {
  readonly socket: WebSocket
  /** Every frame so far, in order. */
  readonly frames: Frame[] = []
  /** Whether the close has come. */
  close: Close | null = null
  readonly #msgpack: boolean
  readonly #unread: Frame[] = []
  readonly #closed: Promise<Close>
  #id = 0

  constructor(url: string, options: ClientOptions = {}) {
    const { token, by = 'header', encoding = 'json', headers = {} } = options
    this.#msgpack = encoding === 'msgpack'
    const offered = [...(options.subprotocols ?? [SUBPROTOCOLS[encoding]])]
    if (token !== undefined && by === 'subprotocol') offered.push(`bearer.${token}`)
    const query = token !== undefined && by === 'query' ? `?token=${encodeURIComponent(token)}` : ''
    this.socket = new WebSocket(url + query, offered, {
      perMessageDeflate: options.compression === true && { threshold: 0 },
      autoPong: options.autoPong ?? true,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      headers: { ...headers, ...(token !== undefined && by === 'header' ? { authorization: `Bearer ${token}` } : {}) },
    })
    this.socket.binaryType = 'nodebuffer'
    this.socket.on('message', (message, binary) => this.#receive(message as Buffer, binary))
    if (token !== undefined && by === 'frame') this.socket.on('open', () => this.send({ type: 'auth', token }))
    this.#closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        this.close = { code, reason: reason.toString() }
        resolve(this.close)
      })
    })
    // The close follows, with 1006.
    this.socket.on('error', () => undefined)
  }

  /** The close, whoever decides on it; a failure if it does not come. */
  get closed(): Promise<Close> {
    return this.closedWithin(CLOSE_MS)
  }

  /** Who this is, from `welcome`. */
  get session(): string {
    return String(this.frames.find(({ type }) => type === 'welcome')?.session)
  }

  /** Resolves when the upgrade is done. */
  async opened(timeoutMs = NEXT_MS): Promise<this> {
    await until(() => this.socket.readyState !== WebSocket.CONNECTING, { what: 'the upgrade', everyMs: 2, timeoutMs })
    if (this.close !== null && this.frames.length === 0 && this.close.code === 1006) throw new Error('no upgrade')
    return this
  }

  /** Resolves with `welcome`. */
  welcome(timeoutMs?: number): Promise<Frame> {
    return this.next(({ type }) => type === 'welcome', timeoutMs)
  }

  /** Sends a frame, encoded. */
  send(frame: object): void {
    this.raw(this.encode(frame))
  }

  /** A frame as it is sent, for those who count its bytes. */
  encode(frame: object): string | Uint8Array {
    return this.#msgpack ? packr.pack(frame) : JSON.stringify(frame)
  }

  /** Sends a WebSocket message as it is. */
  raw(message: string | Uint8Array): void {
    this.socket.send(message)
  }

  /** Sends a request with an id of its own and resolves with its `ok`, `error` or `pong`. */
  request(frame: object, timeoutMs?: number): Promise<Frame> {
    this.#id++
    const id = `r${this.#id}`
    this.send({ ...frame, id })
    return this.next((answer) => answer.id === id, timeoutMs)
  }

  /** Sends a request that must be answered with `ok`. */
  async ok(frame: object, timeoutMs?: number): Promise<Frame> {
    const answer = await this.request(frame, timeoutMs)
    if (answer.type !== 'ok') throw new Error(`${JSON.stringify(frame)} was answered ${JSON.stringify(answer)}`)
    return answer
  }

  /** Sends a request that must be refused; resolves with the code. */
  async refused(frame: object): Promise<unknown> {
    const answer = await this.request(frame)
    if (answer.type !== 'error') throw new Error(`${JSON.stringify(frame)} was answered ${JSON.stringify(answer)}`)
    return answer.code
  }

  /** Joins a room. */
  async join(room: string): Promise<this> {
    await this.ok({ type: 'join', room })
    return this
  }

  /** The first frame not yet taken that fits, received already or within the time. */
  async next(fits: (frame: Frame) => boolean, timeoutMs = NEXT_MS): Promise<Frame> {
    const take = (): Frame | null => {
      const at = this.#unread.findIndex(fits)
      return at === -1 ? null : (this.#unread.splice(at, 1)[0] ?? null)
    }
    const found = until(() => take() ?? this.close, { timeoutMs, what: 'the frame', everyMs: 2 })
    const frame = await found.catch(() => null)
    if (frame !== null && 'type' in frame) return frame
    const why = this.close === null ? `did not come within ${timeoutMs} ms` : `came not before ${this.close.code}`
    throw new Error(`the frame ${why}; unread: ${JSON.stringify(this.#unread.slice(-5)).slice(0, 2000)}`)
  }

  /** The next message. */
  message(timeoutMs?: number): Promise<Frame> {
    return this.next(({ type }) => type === 'message', timeoutMs)
  }

  /** Data of all messages of a room so far, read or not. */
  dataOf(room: string): unknown[] {
    return this.frames.filter((frame) => frame.type === 'message' && frame.room === room).map(({ data }) => data)
  }

  /** Everything that the gateway wrote before now has arrived. */
  async settled(): Promise<void> {
    await this.request({ type: 'ping' })
  }

  /** Closes as a client does, and waits for it. */
  async leave(code = 1000): Promise<Close> {
    this.socket.close(code)
    return this.closedWithin(NEXT_MS)
  }

  /** The close that the gateway decides on. */
  closedWithin(timeoutMs: number): Promise<Close> {
    return within(timeoutMs, 'the close', this.#closed)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate()
    await this.closed
  }

  #receive(message: Buffer, binary: boolean): void {
    const frame: Frame = binary ? unpackr.unpack(message) : JSON.parse(message.toString())
    this.frames.push(frame)
    this.#unread.push(frame)
  }
}

/** Asks for an upgrade by hand; resolves with the answer that refuses it. */
export function refusedUpgrade(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Refusal> {
  return new Promise((resolve, reject) => {
    const asked = request(url.replace(/^ws/, 'http'), {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      },
    })
    asked.on('response', (response) => {
      response.resume()
      resolve({ status: response.statusCode ?? 0, headers: response.headers })
    })
    asked.on('upgrade', (_, socket) => {
      socket.destroy()
      reject(new Error('the upgrade was accepted'))
    })
    asked.on('error', reject)
    asked.end()
  })
}
