import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createOutbox } from './outbox.ts'
import type { Outgoing } from './outgoing.ts'

const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})

/** A real connection: the gateway's end and the client's. */
async function connection(): Promise<{ outgoing: Outgoing & { readonly socket: Socket }; client: Socket }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await once(server, 'connection')) as [Socket]
  server.close()
  sockets.push(socket, client)
  return { outgoing: { socket, queue: null, queueBytes: 0, queued: 'no' }, client }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function numbered(at: number, bytes: number): Buffer {
  const frame = Buffer.alloc(bytes)
  frame.writeUInt32BE(at)
  return frame
}

describe('over real sockets', () => {
  test('a reader that stalls gets everything in order when it reads on', async () => {
    const { outgoing, client } = await connection()
    const outbox = createOutbox({
      queueBytesMax: 64 * 1024 * 1024,
      flushesPerTurn: 10,
      counters: { framesOut: 0, bytesOut: 0, deliveriesDropped: 0 },
      notice: () => expect.fail('nothing may be lost'),
      onOverflow: () => expect.fail('nothing runs over'),
    })
    client.pause()
    const bytes = 64 * 1024
    let sent = 0
    // The kernel takes some megabytes before it pushes back.
    while (outgoing.queued !== 'draining') {
      outbox.push(outgoing, numbered(sent++, bytes))
      await turn()
    }
    for (let more = 0; more < 10; more++) outbox.push(outgoing, numbered(sent++, bytes))
    await turn()
    expect(outbox.bytes).toBeGreaterThanOrEqual(10 * bytes)

    const pieces: Buffer[] = []
    let received = 0
    client.on('data', (piece: Buffer) => {
      pieces.push(piece)
      received += piece.length
    })
    client.resume()
    await vi.waitFor(() => expect(received).toBe(sent * bytes), { timeout: 10_000 })
    const whole = Buffer.concat(pieces)
    for (let at = 0; at < sent; at++) expect(whole.readUInt32BE(at * bytes)).toBe(at)
    expect(outbox.bytes).toBe(0)
  })

  test('a reader that never reads is told of once, within the bound, while another one gets all', async () => {
    const [slow, quick] = [await connection(), await connection()]
    const queueBytesMax = 1024 * 1024
    const overflowed: Outgoing[] = []
    const outbox = createOutbox({
      queueBytesMax,
      flushesPerTurn: 10,
      counters: { framesOut: 0, bytesOut: 0, deliveriesDropped: 0 },
      notice: () => expect.fail('nothing may be lost'),
      onOverflow: (connection) => overflowed.push(connection),
    })
    slow.client.pause()
    let received = 0
    quick.client.on('data', (piece: Buffer) => {
      received += piece.length
    })
    const frame = Buffer.alloc(16 * 1024)
    let sent = 0
    while (overflowed.length === 0) {
      outbox.push(slow.outgoing, frame)
      outbox.push(quick.outgoing, frame)
      sent += frame.length
      expect(slow.outgoing.queueBytes + slow.outgoing.socket.writableLength).toBeLessThanOrEqual(queueBytesMax)
      await turn()
    }
    expect(overflowed).toEqual([slow.outgoing])
    await vi.waitFor(() => expect(received).toBe(sent), { timeout: 10_000 })
  })

  test('what is finished arrives before the end of the stream', async () => {
    const { outgoing, client } = await connection()
    const outbox = createOutbox({
      queueBytesMax: 1000,
      flushesPerTurn: 10,
      counters: { framesOut: 0, bytesOut: 0, deliveriesDropped: 0 },
      notice: () => expect.fail('nothing may be lost'),
      onOverflow: () => expect.fail('nothing runs over'),
    })
    let text = ''
    client.on('data', (piece: Buffer) => {
      text += piece.toString()
    })
    outbox.push(outgoing, Buffer.from('last '))
    outbox.push(outgoing, Buffer.from('words'))
    outbox.finish(outgoing)
    outgoing.socket.end()
    await once(client, 'end')
    expect(text).toBe('last words')
  })

  test('frames to a socket that the peer has destroyed are dropped without a fault', async () => {
    const { outgoing, client } = await connection()
    const outbox = createOutbox({
      queueBytesMax: 1000,
      flushesPerTurn: 10,
      counters: { framesOut: 0, bytesOut: 0, deliveriesDropped: 0 },
      notice: () => expect.fail('nothing may be lost'),
      onOverflow: () => expect.fail('nothing runs over'),
    })
    outgoing.socket.on('error', () => undefined)
    client.destroy()
    await once(outgoing.socket.resume(), 'close')
    outbox.push(outgoing, Buffer.from('x'))
    await turn()
    expect(outbox.bytes).toBe(0)
  })
})
