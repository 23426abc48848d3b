// A server made wrong: a relay in front of a real gateway that commits one fault. It passes everything else on byte by byte, so that what
// the suite then finds is that fault and nothing else. Understands frames in JSON only.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { OPCODE, wireFrame } from './wire.ts'

/** Frames as the relay sees them. */
export interface RelayedFrame {
  readonly type: string
  readonly [field: string]: unknown
}

/** What is done to the frames of one connection. */
export interface Tampering {
  /** Frames of the server: the texts that go on in their place, now; `later` sends more. */
  toClient?(frame: RelayedFrame, text: string, later: (text: string) => void): readonly string[]
  /** Frames of the client: whether one goes on. */
  toServer?(frame: RelayedFrame): boolean
  closeCode?(code: number): number
}

/** A relay that listens. */
export interface FaultyRelay extends AsyncDisposable {
  /** `ws://…`, with the path of the gateway. */
  readonly url: string
}

/** Starts a relay in front of a gateway; each connection is tampered with on its own. */
export async function startFaultyRelay(gatewayUrl: string, tamper: () => Tampering): Promise<FaultyRelay> {
  const { hostname, port, pathname } = new URL(gatewayUrl)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const gateway = connect({ host: hostname, port: Number(port), noDelay: true })
    client.setNoDelay(true)
    for (const socket of [client, gateway]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroySoon()
        gateway.destroySoon()
      })
    }
    relay(client, gateway, tamper())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `ws://127.0.0.1:${(server.address() as { port: number }).port}${pathname}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await once(server.close(), 'close')
    },
  }
}

function relay(client: Socket, gateway: Socket, tampering: Tampering): void {
  const later = (text: string): void => {
    if (client.writable) client.write(textFrame(text))
  }
  const fromGateway = createParser((part) => {
    if (part.kind === 'text' && tampering.toClient !== undefined) {
      const frame = JSON.parse(part.text) as RelayedFrame
      for (const text of tampering.toClient(frame, part.text, later)) client.write(textFrame(text))
    } else if (part.kind === 'close' && tampering.closeCode !== undefined) {
      const payload = Buffer.from(part.payload)
      payload.writeUInt16BE(tampering.closeCode(payload.readUInt16BE()))
      client.write(wireFrame({ opcode: OPCODE.close, payload, masked: false }))
    } else client.write(part.bytes)
  })
  const fromClient = createParser((part) => {
    if (part.kind === 'text' && tampering.toServer !== undefined) {
      const frame = parsed(part.text)
      if (frame !== null && !tampering.toServer(frame)) return
    }
    gateway.write(part.bytes)
  })
  gateway.on('data', fromGateway)
  client.on('data', fromClient)
}

/** A piece of a stream: a whole text or close, or bytes of anything else. */
type Part =
  | { readonly kind: 'text'; readonly text: string; readonly bytes: Buffer }
  | { readonly kind: 'close'; readonly payload: Buffer; readonly bytes: Buffer }
  | { readonly kind: 'other'; readonly bytes: Buffer }

/** Frames longer than this pass unseen. */
const SEEN_BYTES_MAX = 1024 * 1024

/** Parts one direction of a connection: the HTTP head, then frames. What it cannot read it hands on unseen from there on. */
function createParser(emit: (part: Part) => void): (piece: Buffer) => void {
  let held: Buffer = Buffer.alloc(0)
  let phase: 'head' | 'frames' | 'blind' = 'head'
  return (piece) => {
    held = Buffer.concat([held, piece])
    if (phase === 'head') {
      const end = held.indexOf('\r\n\r\n') + 4
      if (end < 4) return
      emit({ kind: 'other', bytes: held.subarray(0, end) })
      held = held.subarray(end)
      phase = 'frames'
    }
    while (phase === 'frames') {
      const frame = readFrame(held)
      if (frame === null) return
      if (frame === 'unreadable') {
        phase = 'blind'
        break
      }
      held = held.subarray(frame.bytes.length)
      emit(frame)
    }
    emit({ kind: 'other', bytes: held })
    held = Buffer.alloc(0)
  }
}

function readFrame(held: Buffer): Part | 'unreadable' | null {
  if (held.length < 2) return null
  const [first = 0, second = 0] = held
  const short = second & 0x7f
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0
  const masked = (second & 0x80) !== 0
  const head = 2 + extended + (masked ? 4 : 0)
  if (held.length < head) return null
  const length = extended === 2 ? held.readUInt16BE(2) : extended === 8 ? Number(held.readBigUInt64BE(2)) : short
  if (length > SEEN_BYTES_MAX) return 'unreadable'
  if (held.length < head + length) return null
  const bytes = held.subarray(0, head + length)
  const mask = held.subarray(head - 4, head)
  const payload = masked
    ? Buffer.from(held.subarray(head, head + length)).map((byte, at) => byte ^ (mask[at % 4] ?? 0))
    : held.subarray(head, head + length)
  const opcode = first & 0x0f
  if (first >> 4 !== 8) return { kind: 'other', bytes }
  if (opcode === OPCODE.text) return { kind: 'text', text: Buffer.from(payload).toString(), bytes }
  return opcode === OPCODE.close && length >= 2
    ? { kind: 'close', payload: Buffer.from(payload), bytes }
    : { kind: 'other', bytes }
}

function parsed(text: string): RelayedFrame | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as RelayedFrame) : null
  } catch {
    return null
  }
}

function textFrame(text: string): Buffer {
  return wireFrame({ opcode: OPCODE.text, payload: text, masked: false })
}
