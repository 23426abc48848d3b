import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { RawSocket, wireFrame } from '../../../test/harness/raw-socket.ts'
import { fakeConnection } from '../../../test/harness/session-fakes.ts'
import type { Connection, Peer } from '../session/connection.ts'
import { createSockets } from './sockets.ts'

const FRAME_BYTES_MAX = 1024

const servers: Server[] = []
const clients: WebSocket[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.terminate()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await once(server.close(), 'close')
  }
})

/** Sockets whose events are noted. */
async function build() {
  const log: string[] = []
  const peers: Peer[] = []
  const sockets = createSockets({
    frameBytesMax: FRAME_BYTES_MAX,
    session: {
      message: (_, message, binary) =>
        log.push(`${binary ? 'binary' : 'text'} ${message.length} ${message.subarray(0, 8)}`),
      ping: (_, payload) => log.push(`ping ${payload}`),
      pong: () => log.push('pong'),
      broken: (_, code) => log.push(`broken ${code}`),
      closed: (_, code) => log.push(`closed ${code}`),
    },
  })
  const server = createServer()
  server.on('upgrade', (request, socket, head) => {
    sockets.upgrade(request, socket, head, (peer): Connection => {
      peers.push(peer)
      return fakeConnection()
    })
  })
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    log,
    peers,
    port,
    async open(): Promise<WebSocket> {
      const client = new WebSocket(`ws://127.0.0.1:${port}/ws`)
      clients.push(client)
      client.on('error', () => undefined)
      await once(client, 'open')
      return client
    },
    said: (...lines: string[]) => vi.waitFor(() => expect(log).toEqual(lines)),
  }
}

describe('what a socket brings', () => {
  test('is passed on: texts, bytes, pings and pongs', async () => {
    const { open, said } = await build()
    const client = await open()
    client.send('hello')
    client.send(Buffer.from('bytes'))
    client.ping('hi')
    client.pong()
    await said('text 5 hello', 'binary 5 bytes', 'ping hi', 'pong')
  })

  test('is answered by nobody but the session: no pong of its own', async () => {
    const { port, log } = await build()
    await using raw = await RawSocket.upgrade(port)
    raw.write(wireFrame({ opcode: 9, payload: 'hi' }))
    raw.write(wireFrame({ opcode: 1, payload: 'x' }))
    await vi.waitFor(() => expect(log).toEqual(['ping hi', 'text 1 x']))
    expect(raw.frames).toEqual([])
  })

  test('is whole where it came in pieces', async () => {
    const { port, said } = await build()
    await using raw = await RawSocket.upgrade(port)
    raw.write(wireFrame({ opcode: 1, payload: 'he', fin: false }))
    raw.write(wireFrame({ opcode: 9, payload: 'between' }))
    raw.write(wireFrame({ opcode: 0, payload: 'llo' }))
    await said('ping between', 'text 5 hello')
  })

  test('may be as large as the limit', async () => {
    const { open, said } = await build()
    const client = await open()
    client.send('x'.repeat(FRAME_BYTES_MAX))
    await said(`text ${FRAME_BYTES_MAX} xxxxxxxx`)
  })
})

describe('the end of a socket', () => {
  test.each([
    [1000, 'closed 1000'],
    [4321, 'closed 4321'],
    [undefined, 'closed 1005'],
  ])('with the code %s is told', async (code, line) => {
    const { open, said } = await build()
    const client = await open()
    client.close(code)
    await said(line)
  })

  test('that is cut without a close frame is told as 1006 (case 38)', async () => {
    const { open, said } = await build()
    ;(await open()).terminate()
    await said('closed 1006')
  })

  test('that the gateway asks for reaches the client', async () => {
    const { open, peers, said } = await build()
    const client = await open()
    const closed = once(client, 'close')
    peers[0]?.close(4001, 'unauthorized')
    const [code, reason] = await closed
    expect([code, String(reason)]).toEqual([4001, 'unauthorized'])
    await said('closed 4001')
  })
})

describe('a breach of the protocol', () => {
  const text = (payload: string | Uint8Array) => wireFrame({ opcode: 1, payload })

  test.each<[string, Buffer[], number]>([
    ['a frame over the limit', [text('x'.repeat(FRAME_BYTES_MAX + 1))], 1009],
    [
      'a message over the limit in pieces',
      [
        wireFrame({ opcode: 1, payload: 'x'.repeat(1000), fin: false }),
        wireFrame({ opcode: 0, payload: 'x'.repeat(1000) }),
      ],
      1009,
    ],
    ['a length beyond all bounds', [wireFrame({ opcode: 1, length: 2 ** 53 })], 1009],
    ['text that is no UTF-8', [text(Uint8Array.of(0xff, 0xfe))], 1007],
    ['a frame without a mask', [wireFrame({ opcode: 1, payload: 'x', masked: false })], 1002],
    ['a reserved bit', [wireFrame({ opcode: 1, payload: 'x', reserved: 4 })], 1002],
    ['an unknown opcode', [wireFrame({ opcode: 3, payload: 'x' })], 1002],
    ['a ping in pieces', [wireFrame({ opcode: 9, payload: 'x', fin: false })], 1002],
    ['a ping that is too long', [wireFrame({ opcode: 9, payload: 'x'.repeat(126) })], 1002],
    ['a continuation of nothing', [wireFrame({ opcode: 0, payload: 'x' })], 1002],
    ['a close code that is none', [wireFrame({ opcode: 8, payload: Uint8Array.of(0, 1) })], 1002],
    [
      'more pieces than there may be',
      [
        wireFrame({ opcode: 1, payload: '', fin: false }),
        ...Array.from({ length: 1024 }, () => wireFrame({ opcode: 0, payload: '', fin: false })),
      ],
      1008,
    ],
  ])('%s closes with the code that is told', async (_, frames, code) => {
    const { port, log } = await build()
    await using raw = await RawSocket.upgrade(port)
    raw.write(Buffer.concat(frames))
    expect(await raw.closeCode()).toBe(code)
    expect(log[0]).toBe(`broken ${code}`)
    raw.socket.end()
    await vi.waitFor(() => expect(log.at(-1)).toMatch(/^closed /))
    expect(log).toHaveLength(2)
  })
})
