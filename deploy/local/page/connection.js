// One connection to a gateway that stays: it opens a socket, answers for heartbeats, tells requests from messages, and opens
// the next socket when one is lost. It knows the protocol and nothing of the page.

const SUBPROTOCOL = 'sluice.v1.json'
const REQUEST_MS = 10_000
const OPEN_MS = 10_000
/** Back-off with full jitter: a random part of a span that doubles from 500 ms to 20 s. */
const BACKOFF_MIN_MS = 500
const BACKOFF_MAX_MS = 20_000
/** Close codes and what to do, as the protocol's table says; whatever is missing here backs off. */
const ACTIONS = {
  1002: 'stop',
  1003: 'stop',
  1007: 'stop',
  1009: 'stop',
  1012: 'at-once',
  4000: 'stop',
  4001: 'token',
  4002: 'token',
  4003: 'stop',
  4005: 'stop',
  4030: 'stop',
}

/** A request that failed: `code` is the error code of the protocol, or `closed` or `timeout`. */
export class RequestError extends Error {
  constructor(code, message) {
    super(message)
    this.name = 'RequestError'
    this.code = code
  }
}

/** See the head of the file. Built by the page for each sign-in. */
export class Connection {
  #options
  #socket = null
  #requests = new Map()
  #nextId = 1
  #attempts = 0
  #refusals = 0
  #wanted = false
  #retry = 0
  #heartbeat = 0
  #heartbeatMs = 25_000

  /**
   * @param options.url - the socket's address
   * @param options.token - resolves with a token, or with null to connect anonymously; asked anew for each socket
   * @param options.onState - told `(state, detail)`; states are idle, connecting, open, waiting, stopped
   * @param options.onFrame - told each frame that answers no request, `welcome` included
   * @param options.onRaw - told `(direction, text)` for everything on the wire, and for openings and closings
   */
  constructor(options) {
    this.#options = options
  }

  /** Opens a socket, and another whenever one is lost. */
  connect() {
    this.#wanted = true
    this.#attempts = 0
    this.#refusals = 0
    void this.#open()
  }

  /** Closes for good. */
  close() {
    this.#wanted = false
    clearTimeout(this.#retry)
    const socket = this.#socket
    this.#drop('the connection was closed')
    socket?.close(1000)
    this.#options.onState('idle', 'not connected')
  }

  /** Sends a request; resolves with its `ok`, rejects with a RequestError. */
  request(frame) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return Promise.reject(new RequestError('closed', 'not connected'))
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#requests.delete(id)
        reject(new RequestError('timeout', 'no answer in time'))
      }, REQUEST_MS)
      this.#requests.set(id, { resolve, reject, timer })
      this.#send({ id, ...frame })
    })
  }

  async #open() {
    const { url, token, onState, onRaw } = this.#options
    onState('connecting', this.#attempts === 0 ? 'connecting' : 'reconnecting')
    let bearer
    try {
      bearer = await token()
    } catch (error) {
      if (this.#wanted) this.#again('backoff', error.message)
      return
    }
    if (!this.#wanted || this.#socket !== null) return
    // In a subprotocol the token stays out of addresses, and with that out of logs and histories.
    const socket = new WebSocket(url, bearer === null ? [SUBPROTOCOL] : [SUBPROTOCOL, `bearer.${bearer}`])
    this.#socket = socket
    const impatience = setTimeout(() => this.#lose(socket, 1006, 'no welcome in time'), OPEN_MS)
    socket.onopen = () => onRaw('open', socket.url)
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return
      if (this.#receive(data) === 'welcome') clearTimeout(impatience)
    }
    socket.onclose = ({ code, reason }) => {
      clearTimeout(impatience)
      this.#lose(socket, code, reason)
    }
  }

  #receive(text) {
    const { onFrame, onRaw } = this.#options
    onRaw('in', text)
    let frame
    try {
      frame = JSON.parse(text)
    } catch {
      onRaw('note', 'that was no JSON')
      return ''
    }
    if (frame.type === 'welcome') this.#welcome(frame)
    this.#listen()
    const request = frame.id === undefined ? undefined : this.#requests.get(frame.id)
    if (request === undefined) {
      onFrame(frame)
      return frame.type
    }
    this.#requests.delete(frame.id)
    clearTimeout(request.timer)
    if (frame.type === 'error') request.reject(new RequestError(frame.code, frame.message))
    else request.resolve(frame)
    return frame.type
  }

  #welcome(frame) {
    this.#attempts = 0
    this.#refusals = 0
    this.#heartbeatMs = frame.heartbeatMs
    this.#options.onState('open', 'connected')
  }

  /** A browser cannot see the gateway's pings: after silence it asks, and gives up after half as long again. */
  #listen() {
    clearTimeout(this.#heartbeat)
    const socket = this.#socket
    const heartbeatMs = this.#heartbeatMs
    this.#heartbeat = setTimeout(() => {
      this.#send({ type: 'ping' })
      this.#heartbeat = setTimeout(() => this.#lose(socket, 4009, 'heartbeat missed'), heartbeatMs / 2)
    }, heartbeatMs)
  }

  /** The socket is gone, or as good as gone. */
  #lose(socket, code, reason) {
    if (socket !== this.#socket || socket === null) return
    this.#options.onRaw('close', `${code} ${reason}`)
    this.#drop(`the connection was lost (${code})`)
    socket.close()
    const known = ACTIONS[code] ?? (code >= 4500 && code <= 4999 ? 'stop' : 'backoff')
    if (known === 'token') this.#refusals++
    const action = known === 'token' && this.#refusals >= 2 ? 'stop' : known
    const detail = `${code}${reason === '' ? '' : ` ${reason}`}`
    if (action === 'stop') this.#stop(detail)
    else this.#again(action, detail)
  }

  #stop(detail) {
    this.#wanted = false
    this.#options.onState('stopped', `closed for good: ${detail}`)
  }

  #again(action, detail) {
    if (!this.#wanted) return
    const span = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** this.#attempts)
    // After a restart of the gateway, at once, but not all at the same instant.
    const waitMs = Math.random() * (action === 'at-once' ? BACKOFF_MIN_MS : span)
    this.#attempts++
    this.#options.onState('waiting', `${detail}; trying again in ${(waitMs / 1000).toFixed(1)} s`)
    this.#retry = setTimeout(() => this.#open(), waitMs)
  }

  /** Forgets the socket and fails what waits for its answers. */
  #drop(message) {
    this.#socket = null
    clearTimeout(this.#heartbeat)
    for (const { reject, timer } of this.#requests.values()) {
      clearTimeout(timer)
      reject(new RequestError('closed', message))
    }
    this.#requests.clear()
  }

  #send(frame) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return
    const text = JSON.stringify(frame)
    this.#options.onRaw('out', text)
    this.#socket.send(text)
  }
}
