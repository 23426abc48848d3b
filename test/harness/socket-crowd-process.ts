// The process of a socket crowd: bare sockets that sign in, join and then read and count. Not imported: socket-crowd.ts starts it. It is
// stopped as a whole where its readers are to stop reading.
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { FrameCounter } from '../bench/sink/frame-counter.ts'
import type { CrowdOrder, CrowdReport } from './socket-crowd.ts'

/** Handshakes under way at once. */
const OPENING_MAX = 50
/** All sockets read into one buffer. */
const readBuffer = Buffer.alloc(256 * 1024)

const counts = { messages: 0, missed: 0, gaps: 0, closed: 0 }
let latenciesMs: number[] = []

function tell(report: CrowdReport): void {
  process.send?.(report)
}

/** Opens one; it is in its rooms when this resolves. */
function open(port: number, token: string, rooms: readonly string[], timed: boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const counter = new FrameCounter()
  let head: string | null = ''
  let answers = 0

  function onFrame(payload: Buffer): void {
    const text = payload.toString('latin1', 0, 300)
    if (text.startsWith('{"type":"message"')) {
      counts.messages++
      const at = timed ? /"at":(\d+)/.exec(text)?.[1] : undefined
      if (at !== undefined) latenciesMs.push(nowMs() - Number(at) / 1000)
    } else if (text.startsWith('{"type":"gap"')) {
      counts.gaps++
      counts.missed += (JSON.parse(text) as { missed: number }).missed
    } else if (text.includes('"type":"welcome"')) {
      for (const [id, room] of rooms.entries()) socket.write(masked({ type: 'join', id: id + 1, room }))
    } else if (text.includes('"type":"ok"') && ++answers === rooms.length) resolve()
  }

  const socket: Socket = connect({
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
  socket.once('connect', () => socket.write(upgrade(token)))
  socket.once('error', reject)
  socket.once('close', () => {
    counts.closed++
    reject(new Error('the gateway closed a connection'))
  })
  function onHead(text: string): void {
    head += text
    const end = (head ?? '').indexOf('\r\n\r\n')
    if (head === null || end === -1) return
    if (!head.startsWith('HTTP/1.1 101')) return reject(new Error(head.slice(0, end)))
    counter.onMessage = onFrame
    const rest = Buffer.from(head.slice(end + 4), 'latin1')
    head = null
    counter.push(rest)
  }
  return promise
}

async function openAll({ port, tokens, rooms, timedEvery }: CrowdOrder & { kind: 'open' }): Promise<void> {
  for (let at = 0; at < tokens.length; at += OPENING_MAX) {
    const some = tokens.slice(at, at + OPENING_MAX)
    await Promise.all(some.map((token, n) => open(port, token, rooms, (at + n) % timedEvery === 0)))
  }
  tell({ kind: 'opened' })
}

function upgrade(token: string): string {
  return (
    'GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nAuthorization: Bearer ${token}\r\n\r\n`
  )
}

/** A short client's frame; its mask is four zeros, which changes nothing. */
function masked(frame: object): Buffer {
  const text = Buffer.from(JSON.stringify(frame))
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text])
}

/** A clock that all processes of a machine share. */
function nowMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}

process.on('message', (order: CrowdOrder) => {
  if (order.kind === 'open') {
    openAll(order).catch((error: Error) => tell({ kind: 'failed', why: error.message }))
  } else {
    tell({ kind: 'counted', ...counts, latenciesMs })
    latenciesMs = []
  }
})
process.on('disconnect', () => process.exit())
