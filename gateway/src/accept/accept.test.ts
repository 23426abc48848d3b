import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { Tally } from '@sluice/service/metrics/tally'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { RawSocket } from '../../../test/harness/raw-socket.ts'
import { fakeConnection } from '../../../test/harness/session-fakes.ts'
import { createCounters } from '../metrics/counters.ts'
import type { Shortage } from '../overload/decide-overload.ts'
import type { Connection } from '../session/connection.ts'
import type { Session } from '../session/session.ts'
import { type AcceptOptions, createAccept } from './accept.ts'
import { createAddressRates } from './address-rate.ts'
import type { AcceptRules } from './decide.ts'
import { createHttpHandler } from './http-handler.ts'
import { listen } from './listen.ts'
import { createSockets } from './sockets.ts'
import type { UpgradeRequest } from './upgrade-request.ts'

const servers: Server[] = []
const clients: WebSocket[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.terminate()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await once(server.close(), 'close')
  }
})

const RULES: AcceptRules = {
  path: '/ws',
  origins: ['https://app.example.com'],
  connectionsMax: 100,
  unauthenticatedMax: 100,
  anonymous: false,
  local: false,
  compression: false,
}

interface Opened {
  readonly request: UpgradeRequest
  readonly address: string
  readonly signs: boolean
  readonly sign: Parameters<Session['opened']>[1]
}

type BuildOptions = Partial<Omit<AcceptOptions, 'rules'>> & {
  rules?: Partial<AcceptRules>
  draining?: boolean
  shortage?: Shortage
}

/** The public port with a session that takes everything and does nothing. */
async function build(options: BuildOptions = {}) {
  const opened: Opened[] = []
  const messages: string[] = []
  const counters = { acceptsTotal: 0, refusals: new Tally() }
  let latest: Omit<Opened, 'sign'> | null = null
  const session = {
    opened: (_: Connection, sign: Opened['sign']) => {
      if (latest !== null) opened.push({ ...latest, sign })
    },
    message: (_: Connection, message: Buffer) => messages.push(message.toString()),
    ping: () => undefined,
    pong: () => undefined,
    broken: () => undefined,
    closed: () => undefined,
  }
  const server = createAccept({
    tls: null,
    trustedProxies: [],
    rates: null,
    sockets: createSockets({ session, frameBytesMax: 1024, counters: createCounters() }),
    session,
    state: () => ({
      draining: options.draining ?? false,
      shortage: options.shortage ?? null,
      connections: 0,
      unauthenticated: 0,
    }),
    connect: (_peer, _socket, request, address, signs) => {
      latest = { request, address, signs }
      return fakeConnection()
    },
    http: createHttpHandler('/ws'),
    nowMs: () => 0,
    counters,
    ...options,
    rules: { ...RULES, ...options.rules },
  })
  servers.push(server)
  const port = await listen(server, { host: '127.0.0.1', port: 0 })
  return { opened, messages, counters, url: `ws://127.0.0.1:${port}`, port }
}

async function open(url: string, protocols: string[] = [], headers: Record<string, string> = {}): Promise<WebSocket> {
  const client = new WebSocket(url, protocols, { headers })
  clients.push(client)
  await once(client, 'open')
  return client
}

/** The HTTP answer to an upgrade that is refused. */
async function refusal(url: string, headers: Record<string, string> = {}, protocols: string[] = []) {
  const perMessageDeflate = headers['Sec-WebSocket-Extensions'] === undefined
  const client = new WebSocket(url, protocols, { headers, perMessageDeflate })
  clients.push(client)
  client.on('error', () => undefined)
  const [, response] = (await once(client, 'unexpected-response')) as [unknown, IncomingMessage]
  response.resume()
  return { status: response.statusCode, retryAfter: response.headers['retry-after'], message: response.statusMessage }
}

describe('an upgrade', () => {
  test('becomes a connection of the session with its token, by any way', async () => {
    const { url, opened, counters } = await build()
    await open(`${url}/ws?token=query`)
    await open(`${url}/ws`, [], { authorization: 'Bearer header' })
    const third = await open(`${url}/ws`, ['sluice.v1.msgpack', 'bearer.entry'])
    expect(third.protocol).toBe('sluice.v1.msgpack')
    expect(opened.map(({ sign, signs }) => [sign, signs])).toEqual([
      [{ token: 'query' }, true],
      [{ token: 'header' }, true],
      [{ token: 'entry' }, true],
    ])
    expect(counters.acceptsTotal).toBe(3)
  })

  test('without a token waits for one, or is anonymous where that is allowed', async () => {
    const waiting = await build()
    await open(`${waiting.url}/ws`)
    expect(waiting.opened).toMatchObject([{ sign: 'by-frame', signs: false }])
    const anonymous = await build({ rules: { anonymous: true } })
    await open(`${anonymous.url}/ws`)
    expect(anonymous.opened).toMatchObject([{ sign: 'anonymously', signs: true }])
  })

  test('without a subprotocol speaks JSON and selects none', async () => {
    const { url, opened } = await build()
    expect((await open(`${url}/ws`)).protocol).toBe('')
    expect(opened).toMatchObject([{ request: { subprotocol: 'sluice.v1.json' } }])
  })

  test('passes on what the client sent before the answer came', async () => {
    const { url, messages } = await build()
    const client = new WebSocket(`${url}/ws`)
    clients.push(client)
    client.on('open', () => client.send('early'))
    await vi.waitFor(() => expect(messages).toEqual(['early']))
  })

  test('is not compressed, whatever the client offers', async () => {
    const { url, port } = await build()
    expect((await open(`${url}/ws`)).extensions).toBe('')
    await using raw = await RawSocket.upgrade(port, { 'Sec-WebSocket-Extensions': 'x;;,no header at all' })
    expect(raw.ended).toBe(false)
  })

  test('is compressed where that is on and it offers it, but for the echo of local mode', async () => {
    const { url, opened } = await build({ rules: { compression: true, local: true } })
    expect((await open(`${url}/ws`)).extensions).toBe('permessage-deflate')
    expect((await open(`${url}/echo`)).extensions).toBe('')
    expect(opened).toMatchObject([{ request: { deflate: { messageBytesMax: Number.POSITIVE_INFINITY } } }])
  })
})

describe('an upgrade that is refused', () => {
  test.each<[string, BuildOptions, string, Record<string, string>, string[], object]>([
    ['for its path', {}, '/', {}, [], { status: 404 }],
    ['for its origin', {}, '/ws', { origin: 'https://evil' }, [], { status: 403, message: 'Forbidden' }],
    [
      'for extensions that are none',
      { rules: { compression: true } },
      '/ws',
      { 'Sec-WebSocket-Extensions': 'x;;y' },
      [],
      { status: 400 },
    ],
    ['for its subprotocol', {}, '/ws', {}, ['chat'], { status: 400 }],
    ['while the gateway drains', { draining: true }, '/ws', {}, [], { status: 503, retryAfter: '2' }],
    ['by a gateway with too much to do', { shortage: 'event_loop' }, '/ws', {}, [], { status: 503, retryAfter: '5' }],
    ['by a full gateway', { rules: { connectionsMax: 0 } }, '/ws', {}, [], { status: 503, retryAfter: '2' }],
  ])('%s gets an HTTP answer', async (_, options, path, headers, protocols, expected) => {
    const { url, counters, opened } = await build(options)
    expect(await refusal(url + path, headers, protocols)).toMatchObject(expected)
    expect(counters.refusals.total).toBe(1)
    expect([counters.acceptsTotal, opened]).toEqual([0, []])
  })

  test('for the rate of its address says when to come again, by whole seconds', async () => {
    const { url, counters } = await build({
      rates: createAddressRates({ connectionsPerSecond: 2, signInFailuresPerSecond: 10 }),
    })
    await open(`${url}/ws`)
    await open(`${url}/ws`)
    expect(await refusal(`${url}/ws`)).toMatchObject({ status: 429, retryAfter: '1' })
    expect(counters.refusals.get('address_rate')).toBe(1)
  })

  test.each<[Record<string, string>]>([
    [{ 'Sec-WebSocket-Version': '12' }],
    [{ 'Sec-WebSocket-Key': 'short' }],
    [{ 'Sec-WebSocket-Protocol': 'sluice.v1.json,,' }],
  ])('as it is no WebSocket handshake (%j) harms nobody', async (headers) => {
    const { url, port, opened } = await build()
    const asked = httpRequest({
      port,
      host: '127.0.0.1',
      path: '/ws',
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      },
    }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    response.resume()
    expect(response.statusCode).toBe(400)
    expect(opened).toEqual([])
    await open(`${url}/ws`)
  })
})

describe('the address of a connection', () => {
  test('is the peer’s own, whatever it says', async () => {
    const { url, opened } = await build()
    await open(`${url}/ws`, [], { 'x-forwarded-for': '198.51.100.1' })
    expect(opened).toMatchObject([{ address: '127.0.0.1' }])
  })

  test('is what a trusted proxy says', async () => {
    const { url, opened } = await build({ trustedProxies: ['127.0.0.0/8'] })
    await open(`${url}/ws`, [], { 'x-forwarded-for': '1.1.1.1, 198.51.100.1' })
    expect(opened).toMatchObject([{ address: '198.51.100.1' }])
  })
})

describe('local mode', () => {
  test('lets the clients of tutorials in unchanged', async () => {
    const { url, opened } = await build({ rules: { local: true } })
    await open(url)
    expect(opened).toMatchObject([{ sign: 'anonymously' }])
    const echo = await open(`${url}/echo`)
    const answer = once(echo, 'message')
    echo.send('Hello')
    expect(String((await answer)[0])).toBe('Echo: Hello')
  })
})

test('of requests that come all at once 16 are upgraded in a turn, and all of them in the end', async () => {
  const { counters, port } = await build()
  let taken = 0
  servers.at(-1)?.on('connection', () => taken++)
  const held = await Promise.all(Array.from({ length: 80 }, () => RawSocket.connect(port)))
  await vi.waitFor(() => expect(taken).toBe(held.length))
  for (const one of held) {
    one.write(
      'GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
  }
  let most = 0
  while (counters.acceptsTotal < held.length) {
    const before = counters.acceptsTotal
    await turn()
    most = Math.max(most, counters.acceptsTotal - before)
  }
  expect(most).toBeLessThanOrEqual(16)
  for (const one of held) one.socket.destroy()
})
