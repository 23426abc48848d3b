import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { constants, deflateRawSync } from 'node:zlib'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import { RawSocket, type WireFrameOptions, wireFrame } from '../../../test/harness/raw-socket.ts'
import { fakeConnection } from '../../../test/harness/session-fakes.ts'
import { createCounters } from '../metrics/counters.ts'
import type { Connection, Peer } from '../session/connection.ts'
import { negotiateDeflate } from './deflate-offer.ts'
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
async function build({ compresses = false } = {}) {
  const log: string[] = []
  const peers: Peer[] = []
  const counters = createCounters()
  const sockets = createSockets({
    frameBytesMax: FRAME_BYTES_MAX,
    counters,
    session: {
      message: (_, message, binary) => {
        log.push(`${binary ? 'binary' : 'text'} ${message.length} ${message.subarray(0, 8)}`)
        if (String(message) === 'stop') peers.at(-1)?.pause()
      },
      ping: (_, payload) => log.push(`ping ${payload}`),
      pong: () => log.push('pong'),
      broken: (_, code) => log.push(`broken ${code}`),
      closed: (_, code) => log.push(`closed ${code}`),
    },
  })
  const server = createServer()
  server.on('upgrade', (request, socket, head) => {
    const deflate = negotiateDeflate(compresses ? request.headers['sec-websocket-extensions'] : undefined)
    if (deflate === 'malformed') throw new Error('the test offers nonsense')
    sockets.upgrade(request, socket, head, deflate, (peer): Connection => {
      peers.push(peer)
      return fakeConnection()
    })
  })
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    log,
    counters,
    peers,
    port,
    async open(options: ClientOptions = {}): Promise<WebSocket> {
      const client = new WebSocket(`ws://127.0.0.1:${port}/ws`, options)
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

describe('thousands of frames in one read', () => {
  test.each([
    ['pings', wireFrame({ opcode: 9, payload: 'p' })],
    ['messages', wireFrame({ opcode: 1, payload: 'm' })],
  ])('are told some in each turn, so that others have theirs: %s', async (_, frame) => {
    const { port, log } = await build()
    await using raw = await RawSocket.upgrade(port)
    raw.write(Buffer.concat(Array.from({ length: 2000 }, () => frame)))
    let most = 0
    while (log.length < 2000) {
      const before = log.length
      await turn()
      most = Math.max(most, log.length - before)
    }
    // A share while the socket is read, and one more in the same turn for what was put off.
    expect(most).toBeLessThanOrEqual(16)
  })

  test('are all told before the end of their socket', async () => {
    const { port, log } = await build()
    const raw = await RawSocket.upgrade(port)
    raw.write(Buffer.concat(Array.from({ length: 500 }, () => wireFrame({ opcode: 1, payload: 'm' }))))
    raw.write(wireFrame({ opcode: 8, payload: Buffer.from([0x03, 0xe8]) }))
    await vi.waitFor(() => expect(log.at(-1)).toBe('closed 1000'))
    expect(log).toHaveLength(501)
    await raw[Symbol.asyncDispose]()
  })
})

test('a message may have 128 parts', async () => {
  const { port, log } = await build()
  const parts = (count: number): Buffer =>
    Buffer.concat(
      Array.from({ length: count }, (_, at) =>
        wireFrame({ opcode: at === 0 ? 1 : 0, payload: 'x', fin: at === count - 1 }),
      ),
    )
  await using raw = await RawSocket.upgrade(port)
  raw.write(parts(128))
  await vi.waitFor(() => expect(log).toEqual(['text 128 xxxxxxxx']))
  raw.write(parts(129))
  await vi.waitFor(() => expect(log[1]).toBe('broken 1008'))
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

describe('a socket that has negotiated compression', () => {
  const OFFER = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }
  const deflated = (text: string | Uint8Array): Buffer =>
    deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
  const compressed = (payload: Uint8Array, more: Partial<WireFrameOptions> = {}): Buffer =>
    wireFrame({ opcode: 1, payload, reserved: 4, ...more })

  test('takes compressed messages and plain ones, whole and in pieces, in their order', async () => {
    const { port, said, counters } = await build({ compresses: true })
    await using raw = await RawSocket.upgrade(port, OFFER)
    const hello = deflated('hello')
    raw.write(
      Buffer.concat([
        compressed(hello),
        wireFrame({ opcode: 1, payload: 'plain' }),
        compressed(hello.subarray(0, 2), { fin: false }),
        wireFrame({ opcode: 9, payload: 'between' }),
        wireFrame({ opcode: 0, payload: hello.subarray(2) }),
        compressed(deflated('bytes'), { opcode: 2 }),
        compressed(deflated('x'.repeat(FRAME_BYTES_MAX))),
      ]),
    )
    await said(
      'text 5 hello',
      'text 5 plain',
      'ping between',
      'text 5 hello',
      'binary 5 bytes',
      `text ${FRAME_BYTES_MAX} xxxxxxxx`,
    )
    expect(counters.inflations.get('inflated')).toBe(4)
  })

  test('is one that ws talks to, and is counted until it is gone', async () => {
    const { open, said, counters, peers } = await build({ compresses: true })
    const client = await open({ perMessageDeflate: { threshold: 0 } })
    expect(client.extensions).toBe('permessage-deflate')
    client.send('hello')
    client.send('again')
    await said('text 5 hello', 'text 5 again')
    expect([counters.compressedSockets, counters.inflations.get('inflated')]).toEqual([1, 2])
    await open({ perMessageDeflate: false })
    expect([peers.length, counters.compressedSockets]).toEqual([2, 1])
    client.close(1000)
    await vi.waitFor(() => expect(counters.compressedSockets).toBe(0))
  })

  const bomb = deflated('0'.repeat(FRAME_BYTES_MAX + 1))
  test.each<[string, Buffer[], number]>([
    ['a message that inflates beyond the limit', [compressed(bomb)], 1009],
    ['a megabyte of zeros', [compressed(deflated('\0'.repeat(2 ** 20)).subarray(0, 1000))], 1009],
    [
      'the same in pieces',
      [compressed(bomb.subarray(0, 5), { fin: false }), wireFrame({ opcode: 0, payload: bomb.subarray(5) })],
      1009,
    ],
    [
      'more compressed bytes than the limit',
      [compressed(Buffer.alloc(1000), { fin: false }), wireFrame({ opcode: 0, payload: Buffer.alloc(1000) })],
      1009,
    ],
    ['a message that was cut off', [compressed(deflated('hello').subarray(0, -1))], 1007],
    ['a message that is not compressed at all', [compressed(Buffer.from('{"type":"ping"}'))], 1007],
    ['compressed text that is no UTF-8', [compressed(deflated(Uint8Array.of(0xff, 0xfe)))], 1007],
    [
      'the bit on a continuation',
      [compressed(deflated('hello'), { fin: false }), compressed(deflated('hello'), { opcode: 0 })],
      1002,
    ],
    ['the bit on a ping', [compressed(Buffer.from('hi'), { opcode: 9 })], 1002],
    ['another reserved bit', [wireFrame({ opcode: 1, payload: deflated('hello'), reserved: 6 })], 1002],
    ['a control frame beside it, that is against the protocol', [wireFrame({ opcode: 9, fin: false })], 1002],
  ])('is closed for %s, with the code that is told', async (_, frames, code) => {
    const { port, log } = await build({ compresses: true })
    await using raw = await RawSocket.upgrade(port, OFFER)
    raw.write(Buffer.concat(frames))
    expect(await raw.closeCode()).toBe(code)
    expect(log[0]).toBe(`broken ${code}`)
    raw.socket.end()
    await vi.waitFor(() => expect(log.at(-1)).toMatch(/^closed /))
    expect(log).toHaveLength(2)
  })

  test.each<[string, (raw: RawSocket, peer: Peer) => void, string]>([
    ['goes on when it is read again', (_, peer) => peer.resume(), 'text 5 hello'],
    ['ends when the client is gone', (raw) => raw.socket.resetAndDestroy(), 'closed 1006'],
    [
      'ends when the gateway closes it',
      (raw, peer) => {
        peer.close(4000, 'enough')
        raw.socket.end()
      },
      'closed ',
    ],
  ])('has nothing inflated while it is not read, and %s', async (_, act, line) => {
    const { port, log, peers, counters } = await build({ compresses: true })
    await using raw = await RawSocket.upgrade(port, OFFER)
    raw.write(
      Buffer.concat([compressed(deflated('stop')), ...Array.from({ length: 50 }, () => compressed(deflated('hello')))]),
    )
    await vi.waitFor(() => expect(log).toEqual(['text 4 stop']))
    await pause(50)
    expect(counters.inflations.get('inflated')).toBe(1)
    act(raw, peers[0] as Peer)
    await vi.waitFor(() => expect(log.at(-1)).toContain(line))
    expect(counters.inflations.get('inflated')).toBe(line === 'text 5 hello' ? log.length : 1)
  })

  test('that goes away while its message is inflated leaves nothing behind', async () => {
    const { port, log, counters } = await build({ compresses: true })
    const raw = await RawSocket.upgrade(port, OFFER)
    raw.write(Buffer.concat(Array.from({ length: 50 }, () => compressed(deflated('hello')))))
    raw.socket.resetAndDestroy()
    await vi.waitFor(() => expect(log.at(-1)).toBe('closed 1006'))
    expect(counters.compressedSockets).toBe(0)
  })
})

test('a socket that has not negotiated compression is closed for a compressed message', async () => {
  const { port, log } = await build()
  await using raw = await RawSocket.upgrade(port, { 'Sec-WebSocket-Extensions': 'permessage-deflate' })
  raw.write(wireFrame({ opcode: 1, payload: deflateRawSync('hello'), reserved: 4 }))
  expect(await raw.closeCode()).toBe(1002)
  expect(log[0]).toBe('broken 1002')
})
