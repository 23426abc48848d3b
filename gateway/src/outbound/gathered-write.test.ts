import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { FakeSocket } from '../../../test/harness/session-fakes.ts'
import { createGatheredWrite } from './gathered-write.ts'

test.each([
  ['small', 10],
  ['big', 20_000],
])('%s frames go out in one write, in order', (_, bytes) => {
  const socket = new FakeSocket()
  const frames = [Buffer.alloc(bytes, 'a'), Buffer.alloc(bytes, 'b')]
  createGatheredWrite()(socket, frames, 2 * bytes)
  expect(socket.flushes).toEqual([Buffer.concat(frames)])
})

test('what a full socket still holds is not overwritten by the next write', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause()
  const [socket] = (await once(server, 'connection')) as [Socket]
  server.close()
  const write = createGatheredWrite()
  const half = 4096
  let sent = 0
  // The kernel takes some megabytes; then more than one write waits in the socket.
  while (socket.writableLength < 10 * half) {
    const frame = Buffer.alloc(half, sent++)
    write(socket, [frame, frame], 2 * half)
  }
  const pieces: Buffer[] = []
  client.on('data', (piece: Buffer) => pieces.push(piece)).resume()
  await vi.waitFor(() => expect(pieces.reduce((sum, { length }) => sum + length, 0)).toBe(sent * 2 * half))
  const whole = Buffer.concat(pieces)
  for (let at = 0; at < sent; at++) {
    expect(whole.subarray(2 * half * at, 2 * half * (at + 1)).equals(Buffer.alloc(2 * half, at))).toBe(true)
  }
  client.destroy()
  socket.destroy()
})
