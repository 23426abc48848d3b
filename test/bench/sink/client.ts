// One client of the sink: a bare socket with the least of a handshake, which says the steps of its plan. From then on
// it reads and counts, and never writes.
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { FrameCounter } from './frame-counter.ts'
import type { ClientPlan } from './orders.ts'

const HEAD_END = '\r\n\r\n'
const FIN_TEXT = 0x81
const MASKED = 0x80
const READ_BYTES = 256 * 1024

/** All clients read into one buffer: what a read brings is counted before the next one. */
const readBuffer = Buffer.alloc(READ_BYTES)

/** A connected client. */
export interface Client {
  readonly counter: FrameCounter
  /** What `counter` said when the last slice ended. */
  base: number
  closed: boolean
}

/**
 * Opens a client; it is signed in and in its rooms when this resolves.
 *
 * @throws Error for a refused upgrade or join, and for a connection that is lost meanwhile
 */
export function openClient(port: number, plan: ClientPlan): Promise<Client> {
  const { promise, resolve, reject } = Promise.withResolvers<Client>()
  const counter = new FrameCounter()
  const client: Client = { counter, base: 0, closed: false }
  let head: string | null = ''

  const socket = connect({
    host: '127.0.0.1',
    port,
    noDelay: true,
    onread: {
      buffer: readBuffer,
      callback(length, buffer) {
        if (head === null) counter.push(buffer as Buffer, length)
        else onHead((buffer as Buffer).toString('latin1', 0, length))
        return true
      },
    },
  })
  socket.once('connect', () => socket.write(upgradeRequest(plan)))
  socket.once('error', (error) => reject(error))
  socket.once('close', () => {
    client.closed = true
    reject(new Error('the server closed a connection'))
  })

  function onHead(text: string): void {
    head += text
    const end = (head ?? '').indexOf(HEAD_END)
    if (head === null || end === -1) return
    const rest = Buffer.from(head.slice(end + HEAD_END.length), 'latin1')
    if (!head.startsWith('HTTP/1.1 101')) return reject(new Error(`the upgrade was refused: ${head.slice(0, end)}`))
    head = null
    const ready = (): void => {
      counter.onMessage = null
      client.base = counter.messages
      resolve(client)
    }
    counter.onMessage = runSteps(socket, plan, { ready, refused: reject })
    counter.push(rest)
  }
  return promise
}

/** Says what the plan has, step by step, as messages come. */
function runSteps(
  socket: Socket,
  { steps, readyAfter }: ClientPlan,
  told: { readonly ready: () => void; readonly refused: (error: Error) => void },
): (payload: Buffer) => void {
  let at = 0
  let heard = 0
  const goOn = (): void => {
    for (let step = steps[at]; step !== undefined && heard >= step.after; step = steps[++at]) {
      heard -= step.after
      socket.write(textFrameMasked(step.text))
    }
    if (at === steps.length && heard >= readyAfter) told.ready()
  }
  queueMicrotask(goOn)
  return (payload) => {
    if (payload.includes('"error"')) return told.refused(new Error(`a request was answered by ${payload}`))
    heard++
    goOn()
  }
}

function upgradeRequest({ path, header }: ClientPlan): string {
  const extra = header === undefined ? '' : `${header}\r\n`
  return (
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n${extra}\r\n`
  )
}

/** A client's frame; the mask is four zeros, which the RFC allows and which changes nothing. */
function textFrameMasked(said: string): Buffer {
  const text = Buffer.from(said)
  if (text.length >= 126) throw new RangeError('only short frames are sent')
  return Buffer.concat([Buffer.from([FIN_TEXT, MASKED | text.length, 0, 0, 0, 0]), text])
}
