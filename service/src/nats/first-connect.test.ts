import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type NatsOptions, type NatsServer, startNats } from '../../../test/harness/nats.ts'
import { firstConnect, NatsRefused } from './first-connect.ts'

const resources: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of resources.splice(0).reverse()) await end()
})

async function server(options?: NatsOptions): Promise<NatsServer> {
  const nats = await startNats(options)
  resources.push(async () => nats[Symbol.asyncDispose]())
  return nats
}

/** A first connect that retries quickly. */
function begin(url: string, connection: object = {}, bytes = 1024) {
  const stop = new AbortController()
  const retries: { message: string; attempt: number }[] = []
  const connected = firstConnect({
    connection: { servers: [url], ...connection },
    need: { bytes, because: 'large messages' },
    retryMs: 20,
    signal: stop.signal,
    onRetry: ({ message }, attempt) => retries.push({ message, attempt }),
  })
  resources.push(async () => {
    stop.abort()
    await (await connected.catch(() => null))?.close()
  })
  return { connected, retries, stop }
}

describe('the first connect', () => {
  test('is the connection where NATS is there', async () => {
    const { connected, retries } = begin((await server()).url)
    const connection = (await connected) as NatsConnection
    await connection.flush()
    expect(retries).toEqual([])
  })

  test('waits for a server that is not there yet, telling each attempt', async () => {
    const nats = await server()
    await nats.kill()
    const { connected, retries } = begin(nats.url)
    await vi.waitFor(() => expect(retries.length).toBeGreaterThan(2))
    expect(retries.slice(0, 3)).toEqual([1, 2, 3].map((attempt) => ({ attempt, message: 'connection refused' })))
    await nats.start()
    expect(await connected).not.toBe(null)
  })

  test('ends with the signal', async () => {
    const nats = await server()
    await nats.kill()
    const { connected, retries, stop } = begin(nats.url)
    await vi.waitFor(() => expect(retries.length).toBeGreaterThan(0))
    stop.abort()
    expect(await connected).toBe(null)
    expect(await begin(nats.url).stop).toBeDefined()
  })

  test.each([
    ['a wrong password', { user: 'me', pass: 'wrong' }],
    ['no credentials', {}],
  ])('with %s is refused at once', async (_, credentials) => {
    const nats = await server({ users: [{ user: 'me', password: 'right' }] })
    const { connected, retries } = begin(nats.url, credentials)
    await expect(connected).rejects.toThrow(NatsRefused)
    await expect(connected).rejects.toThrow('NATS refused the credentials')
    expect(retries).toEqual([])
  })

  test('to a server whose max_payload is too small is refused, with both numbers', async () => {
    const nats = await server({ lines: ['max_payload: 2048'] })
    await expect(begin(nats.url, {}, 2049).connected).rejects.toThrow(
      /2048 bytes is too small: large messages need 2049/,
    )
    expect(await begin(nats.url, {}, 2048).connected).not.toBe(null)
  })

  test('to a server that is too old is refused', async () => {
    const old = await oldServer()
    const { connected } = begin(`nats://127.0.0.1:${(old.address() as AddressInfo).port}`)
    await expect(connected).rejects.toThrow(NatsRefused)
    await expect(connected).rejects.toThrow('nats-server 2.10.29 is too old')
  })
})

/** As much of an old nats-server as a client needs to connect. */
async function oldServer(): Promise<Server> {
  const old = createServer((socket) => {
    const info = { server_id: 'x', version: '2.10.29', proto: 1, headers: true, max_payload: 1_048_576 }
    socket.write(`INFO ${JSON.stringify(info)}\r\n`)
    socket.on('data', (piece) => {
      if (piece.toString().includes('PING\r\n')) socket.write('PONG\r\n')
    })
    socket.on('error', () => undefined)
  })
  await once(old.listen(0, '127.0.0.1'), 'listening')
  resources.push(() => once(old.close(), 'close'))
  return old
}
