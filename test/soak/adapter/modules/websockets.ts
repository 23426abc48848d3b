// The module `k6/websockets` on `ws`, as far as the scripts use it: text frames, headers, listeners, close with a code. What they do not
// use is refused. As in k6 an event comes in a turn of its own, after what the one before has caused.
import { WebSocket as Socket } from 'ws'
import { iterationOf, metrics } from '../run-context.ts'

interface Params {
  readonly headers?: Readonly<Record<string, string>>
  readonly tags?: Readonly<Record<string, string>>
}

const EVENTS = ['open', 'message', 'close', 'error'] as const
type EventName = (typeof EVENTS)[number]
type Listener = (event: Readonly<Record<string, unknown>>) => void

/** A socket that k6's scripts know. */
export class WebSocket {
  readonly url: string
  readonly #socket: Socket
  readonly #listeners = new Map<EventName, Listener[]>()
  #queue: Promise<void> = Promise.resolve()

  constructor(url: string, protocols: null, params: Params = {}) {
    if (protocols !== null) throw new TypeError('k6 offers no subprotocols')
    const { headers = {}, tags: _, ...others } = params
    if (Object.keys(others).length > 0) throw new TypeError(`not offered here: ${Object.keys(others).join(', ')}`)
    const { sockets } = iterationOf('a WebSocket')
    const startedAt = performance.now()
    this.url = url
    this.#socket = new Socket(url, { headers: { ...headers }, perMessageDeflate: false, handshakeTimeout: 60_000 })
    sockets.add(this.#socket)
    metrics.metric('ws_sessions', 'counter').add(1)
    this.#socket.on('open', () => {
      metrics.metric('ws_connecting', 'trend', true).add(performance.now() - startedAt)
      this.#emit('open', {})
    })
    this.#socket.on('message', (data, isBinary) => {
      if (isBinary) throw new TypeError('the scripts speak JSON')
      metrics.metric('ws_msgs_received', 'counter').add(1)
      this.#emit('message', { data: String(data) })
    })
    this.#socket.on('error', ({ message }) => this.#emit('error', { error: message }))
    this.#socket.on('close', (code) => {
      sockets.delete(this.#socket)
      this.#emit('close', code === 1006 ? {} : { code })
    })
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.#socket.readyState
  }

  addEventListener(name: EventName, listener: Listener): void {
    if (!EVENTS.includes(name)) throw new TypeError(`the event ${name} is not offered`)
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener])
  }

  send(text: string): void {
    // As k6 does it.
    if (this.#socket.readyState !== Socket.OPEN) throw new Error('InvalidStateError')
    metrics.metric('ws_msgs_sent', 'counter').add(1)
    this.#socket.send(text)
  }

  close(code = 1000): void {
    if (this.#socket.readyState === Socket.CONNECTING) this.#socket.terminate()
    else this.#socket.close(code)
  }

  #emit(type: EventName, fields: Readonly<Record<string, unknown>>): void {
    const event = { type, target: this, ...fields }
    this.#queue = this.#queue.then(() => {
      for (const listener of this.#listeners.get(type) ?? []) listener(event)
    })
  }
}
