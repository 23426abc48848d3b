// A client of the suite: one WebSocket, every frame kept, waits for what is expected and reports what came instead. It answers nothing
// by itself but WebSocket pings, and can do what a well-behaved client never would.
import { WebSocket } from 'ws'
import { Broken, equal, like, shown } from './expectation.ts'
import { decodeFrame, type Encoding, encodeFrame, type Frame, SUBPROTOCOLS } from './frame-codec.ts'
import { FrameLog } from './frame-log.ts'
import { FrameQueue } from './frame-queue.ts'
import type { Observations } from './observation.ts'

/** How a socket was closed. */
export interface Close {
  readonly code: number
  readonly reason: string
}

/** How a token is brought [P-3.4]. */
export type TokenWay = 'header' | 'subprotocol' | 'query' | 'frame'

/** How a socket is opened. */
export interface PeerOptions {
  readonly token?: string
  /** Default `query`, which any server can be reached by. */
  readonly by?: TokenWay
  readonly encoding: Encoding
  /** Offered in place of the one of the encoding. */
  readonly subprotocols?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  /** Whether WebSocket pings are answered; default true. */
  readonly autoPong?: boolean
  /** Whether compression is offered, and used for every message where it was agreed; default false. */
  readonly compression?: boolean
  /** How long an answer may take. */
  readonly answerMs: number
  readonly observations: Observations
}

const CLOSING_MS = 300

/** A socket of the suite. */
export class Peer implements AsyncDisposable {
  readonly socket: WebSocket
  readonly encoding: Encoding
  /** Every frame so far, in order. */
  readonly frames: Frame[] = []
  /** Instants of WebSocket pings that came, of `performance.now()`. */
  readonly pings: number[] = []
  close: Close | null = null
  /** The status that refused the upgrade, if one did. */
  status: number | null = null
  readonly #answerMs: number
  readonly #log: FrameLog
  readonly #raw = new WeakMap<Frame, Buffer>()
  readonly #queue = new FrameQueue()
  readonly #closed: Promise<Close>
  #id = 0

  constructor(url: string, options: PeerOptions) {
    const { token, by = 'query', encoding, headers = {}, answerMs, observations } = options
    this.encoding = encoding
    this.#answerMs = answerMs
    this.#log = new FrameLog(observations)
    const offered = [...(options.subprotocols ?? [SUBPROTOCOLS[encoding]])]
    if (token !== undefined && by === 'subprotocol') offered.push(`bearer.${token}`)
    const address = new URL(url)
    if (token !== undefined && by === 'query') address.searchParams.set('token', token)
    this.socket = new WebSocket(address, offered, {
      perMessageDeflate: options.compression === true && { threshold: 0 },
      autoPong: options.autoPong ?? true,
      headers: { ...headers, ...(token !== undefined && by === 'header' ? { authorization: `Bearer ${token}` } : {}) },
    })
    this.socket.binaryType = 'nodebuffer'
    this.socket.on('message', (message, binary) => this.#receive(message as Buffer, binary))
    this.socket.on('ping', () => this.pings.push(performance.now()))
    if (token !== undefined && by === 'frame') this.socket.on('open', () => this.send({ type: 'auth', token }))
    this.socket.on('unexpected-response', (request, response) => {
      this.status = response.statusCode ?? 0
      response.resume()
      request.destroy()
    })
    // The close follows, with 1006.
    this.socket.on('error', () => undefined)
    this.#closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        this.close = { code, reason: reason.toString() }
        this.#queue.close(`a close with ${code}`)
        resolve(this.close)
      })
    })
  }

  /** What `welcome` said; empty before it has come. */
  get told(): Readonly<Record<string, unknown>> {
    return this.frames.find(({ type }) => type === 'welcome') ?? {}
  }

  /** Which connection this is, from `welcome`. */
  get session(): string {
    return String(this.told.session)
  }

  /** Who this is, from `welcome`. */
  get user(): string {
    return String(this.told.user)
  }

  /** The text or bytes of a frame that came. */
  raw(frame: Frame): Buffer {
    return this.#raw.get(frame) ?? Buffer.alloc(0)
  }

  /** Resolves when the upgrade is done; fails if it is refused. */
  async opened(): Promise<this> {
    if (this.socket.readyState === WebSocket.CONNECTING) {
      const opening = new Promise<void>((resolve) => {
        this.socket.once('open', () => resolve())
        this.socket.once('close', () => resolve())
      })
      await this.#within('an upgrade', opening)
    }
    if (this.status !== null) throw new Broken('an upgrade', `the status ${this.status}`)
    return this
  }

  /** Resolves with `welcome`. */
  welcome(): Promise<Frame> {
    return this.next(({ type }) => type === 'welcome', '`welcome`')
  }

  /** Sends a frame, encoded. */
  send(frame: object): void {
    this.#log.sent(frame as Frame)
    this.socket.send(encodeFrame(this.encoding, frame))
  }

  /** Sends WebSocket messages as they are, in one write; answers are then no longer counted. */
  sendRaw(...messages: readonly (string | Uint8Array)[]): void {
    this.#log.blind()
    for (const message of messages) this.socket.send(message)
  }

  /** Sends frames in one write, as a client that does not wait. */
  burst(frames: readonly object[]): void {
    // The socket of ws hands its writes to the kernel at once; corked, they leave together.
    const tcp = (this.socket as unknown as { _socket?: { cork(): void; uncork(): void } })._socket
    tcp?.cork()
    for (const frame of frames) this.send(frame)
    tcp?.uncork()
  }

  /** Sends a request, with an id of its own if it has none, and resolves with its answer. */
  request(frame: object, timeoutMs = this.#answerMs): Promise<Frame> {
    this.#id++
    const request = { id: `r${this.#id}`, ...frame } as Frame & { readonly id: unknown }
    this.send(request)
    return this.next(({ id }) => id === request.id, `an answer to ${shown(frame)}`, timeoutMs)
  }

  /** Sends a request that must be answered with `ok`, or `pong` in the case of `ping`. */
  async ok(frame: object, timeoutMs?: number): Promise<Frame> {
    const answer = await this.request(frame, timeoutMs)
    equal(
      `the type of the answer to ${shown(frame)}`,
      answer.type === 'error' ? `error ${answer.code}` : answer.type,
      'ok',
    )
    return answer
  }

  /** Sends a request that must be refused with this code. */
  async refused(frame: object, code: string): Promise<Frame> {
    const answer = await this.request(frame)
    like(`an answer to ${shown(frame)}`, answer, { type: 'error', code })
    return answer
  }

  /** Joins rooms, one after the other. */
  async join(...rooms: readonly string[]): Promise<this> {
    for (const room of rooms) await this.ok({ type: 'join', room })
    return this
  }

  /** The next frame that was not taken yet and fits, come already or within the time. */
  next(fits: (frame: Frame) => boolean, what: string, timeoutMs = this.#answerMs): Promise<Frame> {
    return this.#queue.next(fits, what, timeoutMs)
  }

  /** Takes everything that has come so far, so that what is awaited next is new. */
  forget(): void {
    this.#queue.forget()
  }

  /** The next `message`, of a room if one is named. */
  message(room?: string, timeoutMs?: number): Promise<Frame> {
    const fits = (frame: Frame) => frame.type === 'message' && (room === undefined || frame.room === room)
    return this.next(fits, `a \`message\`${room === undefined ? '' : ` of ${shown(room)}`}`, timeoutMs)
  }

  /** The next error without an id. */
  fault(): Promise<Frame> {
    return this.next(({ type, id }) => type === 'error' && id === undefined, 'an `error` without an id')
  }

  /** Resolves when everything that was sent so far has been read by the server. */
  async settled(): Promise<void> {
    like('an answer to `ping`', await this.request({ type: 'ping' }), { type: 'pong' })
  }

  /** Data of messages of a room so far, taken or not. */
  dataOf(room: string): unknown[] {
    return this.frames.filter((frame) => frame.type === 'message' && frame.room === room).map(({ data }) => data)
  }

  /** The close; fails if it does not come. */
  closed(timeoutMs = this.#answerMs, what = 'a close'): Promise<Close> {
    return this.#within(what, this.#closed, timeoutMs)
  }

  /** Fails unless the server closes with one of these codes. */
  async closedWith(code: number, timeoutMs?: number): Promise<Close> {
    const close = await this.closed(timeoutMs, `a close with ${code}`)
    equal('the code of the close', close.code, code)
    return close
  }

  /** Fails if the socket is closed. */
  stillOpen(): void {
    if (this.close !== null) throw new Broken('an open socket', `a close with ${this.close.code}`)
  }

  /** Closes with 1000, as a client that leaves. */
  async leave(): Promise<void> {
    this.socket.close(1000)
    await this.closed()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.close !== null) return
    if (this.socket.readyState === WebSocket.OPEN) this.socket.close(1000)
    const late = setTimeout(() => this.socket.terminate(), CLOSING_MS)
    if (this.socket.readyState === WebSocket.CONNECTING) this.socket.terminate()
    await this.#closed
    clearTimeout(late)
  }

  #receive(message: Buffer, binary: boolean): void {
    const frame = decodeFrame(this.encoding, message)
    if (binary !== (this.encoding === 'msgpack'))
      this.#log.violation('4.1', `${this.encoding} frames`, 'the other kind')
    if (frame === null) {
      this.#log.violation(
        '4.1',
        'one frame in each WebSocket message',
        shown(message.subarray(0, 80).toString('latin1')),
      )
      return
    }
    this.#raw.set(frame, message)
    this.frames.push(frame)
    this.#log.received(frame)
    this.#queue.push(frame)
  }

  async #within<result>(what: string, promise: Promise<result>, timeoutMs = this.#answerMs): Promise<result> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const fail = () => reject(this.#queue.broken(what, `nothing within ${timeoutMs} ms`))
    const timer = setTimeout(fail, timeoutMs)
    try {
      return await Promise.race([promise, late])
    } finally {
      clearTimeout(timer)
    }
  }
}
