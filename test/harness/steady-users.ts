// Users who do nothing but talk at a steady pace and note how long each of their messages takes to come back: through the gateway, NATS
// and the gateway again.
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { makeToken } from './tokens.ts'
import { until } from './until.ts'

/** Between two messages of one user: below the default rate of 50 a second. */
const EVERY_MS = 25
/** A message that has not come by then counts with this. */
const LOST_MS = 10_000

interface User {
  readonly socket: WebSocket
  readonly room: string
}

/** Users of one gateway. */
export class SteadyUsers implements AsyncDisposable {
  readonly #users: User[] = []
  readonly #sentAt = new Map<number, number>()
  #latencies: number[] = []
  #sent = 0

  /** Sockets that the gateway has closed. */
  closed = 0

  /** Connects them, each in a room of its own. */
  static async start(
    url: string,
    count: number,
    token: (user: string) => Promise<string> = makeToken,
  ): Promise<SteadyUsers> {
    const users = new SteadyUsers()
    await Promise.all(Array.from({ length: count }, async (_, n) => users.#connect(url, `steady-${n}`, token)))
    return users
  }

  /** Lets all talk for a while; the time of each round trip, in milliseconds. */
  async slice(ms: number): Promise<readonly number[]> {
    this.#latencies = []
    const timers: NodeJS.Timeout[] = []
    for (const [at, user] of this.#users.entries()) {
      // Spread over the pause, or all would come at once.
      const first = setTimeout(
        () => timers.push(setInterval(() => this.#send(user), EVERY_MS)),
        (at * EVERY_MS) / this.#users.length,
      )
      timers.push(first)
    }
    await pause(ms)
    for (const timer of timers) clearInterval(timer)
    const came = await until(() => this.#sentAt.size === 0, { timeoutMs: LOST_MS }).catch(() => false)
    const lost = came ? [] : Array.from(this.#sentAt, () => LOST_MS)
    this.#sentAt.clear()
    return [...this.#latencies, ...lost]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.#users) socket.terminate()
  }

  async #connect(url: string, name: string, token: (user: string) => Promise<string>): Promise<void> {
    const headers = { authorization: `Bearer ${await token(name)}` }
    const socket = new WebSocket(url, { perMessageDeflate: false, headers })
    const user = { socket, room: `chat:${name}` }
    let joined = false
    socket.on('open', () => socket.send(JSON.stringify({ id: 1, type: 'join', room: user.room })))
    socket.on('message', (message: Buffer) => {
      const { type, data } = JSON.parse(message.toString())
      if (type === 'ok') joined = true
      else if (type === 'message') this.#came(data)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.closed++
    })
    await until(() => joined, { timeoutMs: 15_000, what: `the join of ${name}` })
    this.#users.push(user)
  }

  #send({ socket, room }: User): void {
    this.#sent++
    this.#sentAt.set(this.#sent, performance.now())
    socket.send(JSON.stringify({ type: 'publish', room, data: this.#sent }))
  }

  #came(number: number): void {
    const sentAt = this.#sentAt.get(number)
    if (sentAt === undefined) return
    this.#sentAt.delete(number)
    this.#latencies.push(performance.now() - sentAt)
  }
}
