// A socket of the presence benchmark: signs in, sends requests and hears their answers. It keeps nothing of what it hears beside,
// so that one process can hold thousands.
import { WebSocket } from 'ws'
import { makeToken } from '../../harness/tokens.ts'

/** A signed-in socket. */
export interface BenchSocket {
  /** Resolves with `ok`; a failure for any other answer. */
  ok(frame: object): Promise<void>
  /** Sends a frame and waits for nothing. */
  send(frame: object): void
  /** Closes cleanly, and waits for it. */
  close(): Promise<void>
}

const MESSAGE = Buffer.from('{"type":"message"')

/** Opens one. */
export async function openSocket(url: string, user: string): Promise<BenchSocket> {
  const authorization = `Bearer ${await makeToken(user)}`
  const socket = new WebSocket(url, ['sluice.v1.json'], {
    perMessageDeflate: false,
    skipUTF8Validation: true,
    headers: { authorization },
  })
  socket.binaryType = 'nodebuffer'
  const waiting = new Map<number, PromiseWithResolvers<void>>()
  const welcome = Promise.withResolvers<void>()
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  let id = 0
  socket.on('message', (data: Buffer) => {
    if (data.subarray(0, MESSAGE.length).equals(MESSAGE)) return
    const frame = JSON.parse(data.toString()) as { type: string; id?: number }
    if (frame.type === 'welcome') return welcome.resolve()
    const request = frame.id === undefined ? undefined : waiting.get(frame.id)
    if (request === undefined) return
    waiting.delete(frame.id as number)
    if (frame.type === 'ok') request.resolve()
    else request.reject(new Error(`a request was answered ${data}`))
  })
  socket.on('error', (error) => welcome.reject(error))
  void closed.then(() => {
    for (const { reject } of [welcome, ...waiting.values()]) reject(new Error('the gateway closed a socket'))
  })
  const send = (frame: object): void => socket.send(JSON.stringify(frame))
  await welcome.promise
  return {
    ok(frame) {
      const request = Promise.withResolvers<void>()
      waiting.set(++id, request)
      send({ ...frame, id })
      return request.promise
    },
    send,
    close() {
      socket.close(1000)
      return closed
    },
  }
}

/** Opens many, some at a time, as a crowd does not come in one turn of an event loop. */
export async function openSockets(count: number, open: (at: number) => Promise<BenchSocket>): Promise<BenchSocket[]> {
  const sockets: BenchSocket[] = []
  for (let at = 0; at < count; at += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - at) }, (_, n) => open(at + n))
    sockets.push(...(await Promise.all(some)))
  }
  return sockets
}

const AT_ONCE = 50
