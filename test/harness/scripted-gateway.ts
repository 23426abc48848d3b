// A gateway that says what a test wants it to say, also what a real one never would: bad orders, broken chains, silence. It answers
// every request with a plain `ok` unless a test has written another part for its type. Its sockets are real ones.
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Frame } from './client.ts'
import { until } from './until.ts'

/** What it does with a request of one type. */
export type Part = (frame: Frame, connection: ScriptedConnection) => void

/** A socket as the gateway sees it. */
export interface ScriptedConnection {
  readonly session: string
  /** The token that it brought by its subprotocol. */
  readonly token: string | undefined
  /** Everything that the client has sent, in order. */
  readonly frames: readonly Frame[]
  /** When it came, by `performance.now()`. */
  readonly atMs: number
  /** The client's close, once it has come. */
  readonly closed: number | null
  readonly socket: WebSocket
  send(...frames: object[]): void
  /** Answers a request with `ok`. */
  ok(asked: Frame, fields?: object): void
  refuse(asked: Frame, code: string, fields?: object): void
  close(code: number, reason?: string): void
  /** Ends it without a close frame. */
  cut(): void
  /** The frames of a type so far. */
  of(type: string): Frame[]
  /** The first frame of a type, sent already or soon. */
  next(type: string, count?: number): Promise<Frame>
}

/** See the head of the file. */
export class ScriptedGateway implements AsyncDisposable {
  readonly connections: ScriptedConnection[] = []
  /** What a new socket is told; null leaves it without a word. A function may close it instead. */
  welcome: ((connection: ScriptedConnection) => object | null) | null = () => ({})
  readonly #parts = new Map<string, Part>()
  readonly #server: WebSocketServer

  private constructor(server: WebSocketServer) {
    this.#server = server
    server.on('connection', (socket, request) => this.#accept(socket, request))
  }

  /** Starts one. */
  static async start(): Promise<ScriptedGateway> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: ([first = '']) => first })
    await once(server, 'listening')
    return new ScriptedGateway(server)
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/ws`
  }

  /** Writes the part for requests of a type. */
  play(type: string, part: Part): this {
    this.#parts.set(type, part)
    return this
  }

  /** The connection with this number, from 0; here already or soon. */
  connection(at: number, timeoutMs = 5000): Promise<ScriptedConnection> {
    return until(() => this.connections[at], { timeoutMs, what: `connection ${at}`, everyMs: 2 })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(socket: WebSocket, request: IncomingMessage): void {
    const { port } = this.#server.address() as AddressInfo
    const connection = scripted(socket, request, `scripted-${port}.${this.connections.length + 1}`)
    this.connections.push(connection)
    socket.on('message', (message) => {
      const frame: Frame = JSON.parse(String(message))
      ;(connection.frames as Frame[]).push(frame)
      const part = this.#parts.get(frame.type)
      if (part !== undefined) part(frame, connection)
      else if (frame.type === 'ping') connection.send({ type: 'pong', id: frame.id })
      else connection.ok(frame)
    })
    const fields = this.welcome?.(connection) ?? null
    if (fields !== null) connection.send({ ...WELCOME, session: connection.session, ...fields })
  }
}

const WELCOME = {
  type: 'welcome',
  version: 1,
  user: 'ann',
  gateway: 'scripted',
  time: 1_790_000_000_000,
  heartbeatMs: 25_000,
  limits: { frameBytesMax: 65_536, requestsInFlightMax: 64, publishesPerSecond: 100_000, publishBurst: 200_000 },
  features: ['presence', 'history', 'call', 'rooms'],
}

function scripted(socket: WebSocket, request: IncomingMessage, session: string): ScriptedConnection {
  const frames: Frame[] = []
  const offered = String(request.headers['sec-websocket-protocol'] ?? '').split(/, */)
  const bearer = offered.find((name) => name.startsWith('bearer.'))
  let closed: number | null = null
  socket.on('close', (code) => {
    closed = code
  })
  const connection: ScriptedConnection = {
    session,
    token: bearer?.slice('bearer.'.length),
    frames,
    atMs: performance.now(),
    get closed() {
      return closed
    },
    socket,
    send: (...sent) => {
      for (const frame of sent) socket.send(JSON.stringify(frame))
    },
    ok: ({ id }, fields = {}) => connection.send({ type: 'ok', id, ...fields }),
    refuse: ({ id }, code, fields = {}) => connection.send({ type: 'error', id, code, message: code, ...fields }),
    close: (code, reason) => socket.close(code, reason),
    cut: () => socket.terminate(),
    of: (type) => frames.filter((frame) => frame.type === type),
    async next(type, count = 1) {
      await until(() => connection.of(type).length >= count, { what: `${count} of ${type}`, everyMs: 2 })
      return connection.of(type)[count - 1] as Frame
    },
  }
  return connection
}
