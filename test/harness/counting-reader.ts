// A reader that counts what it hears and keeps nothing of it: for tests in which gigabytes flow.
import { WebSocket } from 'ws'
import type { Doorway, Stage } from './stage.ts'
import { makeToken } from './tokens.ts'
import { until } from './until.ts'

/** Counts messages whose data begins with a number `n`. */
export class CountingReader implements AsyncDisposable {
  heard = 0
  /** Whether `n` was 0, 1, 2 and so on. */
  inOrder = true
  closeCode: number | null = null
  readonly socket: WebSocket

  constructor(url: string, token: string) {
    this.socket = new WebSocket(url, { perMessageDeflate: false, headers: { authorization: `Bearer ${token}` } })
    this.socket.on('message', (message: Buffer) => {
      const number = /"n":(\d+)/.exec(message.toString('latin1', 0, 120))?.[1]
      if (number === undefined) return
      if (Number(number) !== this.heard) this.inOrder = false
      this.heard++
    })
    this.socket.on('close', (code) => {
      this.closeCode = code
    })
    this.socket.on('error', () => undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate()
  }
}

/** One that has joined a room. */
export async function countingReader(stage: Stage, gateway: Doorway, room: string): Promise<CountingReader> {
  const reader = stage.use(new CountingReader(gateway.url, await makeToken('reader')))
  let answered = false
  reader.socket.on('message', (message: Buffer) => {
    if (message.length < 200 && message.includes('"ok"')) answered = true
  })
  reader.socket.on('open', () => reader.socket.send(JSON.stringify({ id: 1, type: 'join', room })))
  await until(() => answered, { what: 'the join' })
  return reader
}
