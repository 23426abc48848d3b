// Thousands of light sockets that follow rooms with history: each checks the chain of what it gets as it comes and keeps a position and
// counts, never frames. For tests whose clients must cost less than what they test.
import { connect, type Socket } from 'node:net'
import { OPCODE, wireFrame } from './raw-socket.ts'
import { until, within } from './until.ts'

/** What an answer to `join` said; an error stands as it came. */
export interface JoinAnswer {
  readonly type: string
  readonly [field: string]: unknown
}

/** Where a socket stands in its room. */
export interface CrowdPosition {
  readonly epoch: string
  readonly offset: number
}

const HANDSHAKE = [
  'GET /ws HTTP/1.1',
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
].join('\r\n')
const HEAD_END = '\r\n\r\n'
const MESSAGE = '{"type":"message"'
const OFFSET = '"offset":'
const PREV = ',"prev":'
const NOTHING = Buffer.alloc(0)
/** Faults kept of one socket: one is enough to fail. */
const WRONG_MAX = 3
const OPEN_MS = 30_000

/** One socket, in one room at most. */
export class CrowdSocket {
  /** Messages of the room since this socket was opened. */
  count = 0
  position: CrowdPosition
  /** What was not as it must be; none for a sound chain. */
  readonly wrong: string[] = []
  closed = false
  readonly #socket: Socket
  readonly #answers: ((answer: JoinAnswer) => void)[] = []
  #rest: Buffer = NOTHING
  #upgraded = false
  #welcomed = false

  private constructor(port: number, token: string, position: CrowdPosition) {
    this.position = position
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.write(`${HANDSHAKE}\r\nAuthorization: Bearer ${token}${HEAD_END}`)
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk))
    this.#socket.on('error', () => undefined)
    this.#socket.on('close', () => {
      this.closed = true
    })
  }

  /** Opens a socket that is signed in when this resolves. */
  static async open(
    port: number,
    token: string,
    position: CrowdPosition = { epoch: '', offset: 0 },
  ): Promise<CrowdSocket> {
    const socket = new CrowdSocket(port, token, position)
    await until(() => socket.#welcomed || socket.closed, {
      timeoutMs: OPEN_MS,
      what: 'the welcome of a crowd',
      everyMs: 5,
    })
    if (!socket.#welcomed) throw new Error('a socket of the crowd was closed before its welcome')
    return socket
  }

  /** Joins its room; with the position that it holds, or without one. */
  join(room: string, recover: boolean): Promise<JoinAnswer> {
    const since = recover ? { since: this.position } : {}
    const { promise, resolve } = Promise.withResolvers<JoinAnswer>()
    this.#answers.push((answer) => {
      if (!recover) this.position = { epoch: String(answer.epoch), offset: Number(answer.offset) }
      resolve(answer)
    })
    this.#socket.write(
      wireFrame({ opcode: OPCODE.text, payload: JSON.stringify({ type: 'join', id: 1, room, ...since }) }),
    )
    return within(OPEN_MS, 'the answer to a join', promise)
  }

  end(): void {
    this.#socket.destroy()
  }

  #fault(what: string): void {
    if (this.wrong.length < WRONG_MAX) this.wrong.push(what)
  }

  #read(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    if (!this.#upgraded) {
      const end = bytes.indexOf(HEAD_END)
      if (end !== -1) {
        this.#upgraded = true
        bytes = bytes.subarray(end + HEAD_END.length)
      }
    }
    const at = this.#upgraded ? this.#frames(bytes) : 0
    this.#rest = at === bytes.length ? NOTHING : Buffer.from(bytes.subarray(at))
  }

  /** Takes whole frames; where the first broken one begins. */
  #frames(bytes: Buffer): number {
    for (let at = 0; ; ) {
      if (bytes.length < at + 2) return at
      const short = (bytes[at + 1] as number) & 0x7f
      const body = at + (short === 126 ? 4 : short === 127 ? 10 : 2)
      if (bytes.length < body) return at
      const length =
        short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short
      if (bytes.length < body + length) return at
      if (((bytes[at] as number) & 0x0f) === OPCODE.text) this.#text(bytes.toString('latin1', body, body + length))
      at = body + length
    }
  }

  #text(text: string): void {
    if (text.startsWith(MESSAGE)) return this.#message(text)
    const frame = JSON.parse(text) as JoinAnswer
    if (frame.type === 'welcome') this.#welcomed = true
    else if (frame.type === 'ok' || frame.type === 'error') this.#answers.shift()?.(frame)
    else this.#fault(text)
  }

  /** A place is read as digits: parsing millions of frames would cost more than sending them. */
  #message(text: string): void {
    const offset = digits(text, text.indexOf(OFFSET) + OFFSET.length)
    const prev = digits(text, text.indexOf(PREV) + PREV.length)
    const held = this.position.offset
    this.count++
    if (prev > held) this.#fault(`${offset} is behind ${prev}, which did not come after ${held}`)
    if (offset <= held) this.#fault(`${offset} came after ${held}`)
    this.position = { epoch: this.position.epoch, offset }
  }
}

/** Does something for each of many, some at a time, and keeps their order. */
export async function forEachOf<item, result>(
  items: readonly item[],
  atOnce: number,
  act: (item: item, at: number) => Promise<result>,
): Promise<result[]> {
  const results: result[] = new Array(items.length)
  let next = 0
  const work = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) results[at] = await act(items[at] as item, at)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work))
  return results
}

/** The number that begins at an index. */
function digits(text: string, from: number): number {
  let value = 0
  for (let at = from; ; at++) {
    const digit = text.charCodeAt(at) - 48
    if (!(digit >= 0 && digit <= 9)) return value
    value = value * 10 + digit
  }
}
