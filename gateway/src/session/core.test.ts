import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { systemClock } from '@sluice/service/clock'
import { createLogger } from '@sluice/service/log'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { Client, type ClientOptions } from '../../../test/harness/client.ts'
import { recordedEvents } from '../../../test/harness/link-events.ts'
import { type NatsServer, startNats } from '../../../test/harness/nats.ts'
import { startNatsProxy } from '../../../test/harness/nats-proxy.ts'
import { principalOf } from '../../../test/harness/session-fakes.ts'
import { createAccept } from '../accept/accept.ts'
import { createHttpHandler } from '../accept/http-handler.ts'
import { listen } from '../accept/listen.ts'
import { createSockets } from '../accept/sockets.ts'
import { connectBackplane } from '../backplane/backplane.ts'
import { configOf } from '../config/load-from-tables.ts'
import { createCounters } from '../metrics/counters.ts'
import { type Core, createCore } from './core.ts'
import { newGatewayId } from './session.ts'

const NAMESPACES = '{"default":{"join":{"who":"anyone"},"publish":{"who":"anyone"}}}'

let nats: NatsServer
const resources: (() => PromiseLike<unknown>)[] = []
beforeAll(async () => {
  nats = await startNats()
})
afterEach(async () => {
  for (const end of resources.splice(0).reverse()) await end()
})
afterAll(() => nats[Symbol.asyncDispose]())

/** All of a gateway between its port and NATS; a token is the name of its user, and time stands still but for `tick`. */
async function gateway({ url = nats.url, env = {} }: { url?: string; env?: Record<string, string> } = {}) {
  const config = configOf({ SLUICE_NAMESPACES: NAMESPACES, ...env })
  const counters = createCounters()
  const probes: string[] = []
  const backplane = await connectBackplane(
    {
      ...config.limits,
      name: 'sluice-gateway test',
      presence: false,
      url: [url],
      tls: {},
      random: () => 0,
      nowMs: () => performance.now(),
    },
    recordedEvents(),
    new AbortController().signal,
  )
  if (backplane === null) throw new Error('no NATS')
  const core: Core = createCore({
    config: () => config,
    backplane,
    authenticator: {
      authenticate: async (token) => ({ kind: 'ok', principal: principalOf(token, { send: ['*'] }) }),
    },
    clock: systemClock,
    log: createLogger({ level: 'silent', pretty: false, name: 'gw', destination: { write: () => undefined } }),
    counters,
    throttle: () => null,
    tracing: null,
    history: () => null,
    revocations: () => null,
    gateway: newGatewayId(() => randomBytes(9)),
    presence: () => null,
    onProbe: (payload) => probes.push(Buffer.from(payload).toString()),
  })
  const server = createAccept({
    rules: { ...config.accept, path: '/ws', anonymous: false, local: false, compression: false },
    tls: null,
    trustedProxies: [],
    rates: null,
    sockets: createSockets({ session: core.session, frameBytesMax: config.limits.frameBytesMax, counters }),
    session: core.session,
    state: () => ({ draining: false, shortage: null, connections: core.connections.total, unauthenticated: 0 }),
    connect: core.connect,
    http: createHttpHandler('/ws'),
    nowMs: systemClock.monotonicMs,
    counters,
  })
  const port = await listen(server, { host: '127.0.0.1', port: 0 })
  resources.push(async () => {
    await once(server.close(), 'close')
    await backplane.drain()
  })
  return {
    core,
    backplane,
    counters,
    probes,
    async user(name: string, options: ClientOptions = {}): Promise<Client> {
      const client = new Client(`ws://127.0.0.1:${port}/ws`, { token: name, ...options })
      resources.push(() => client[Symbol.asyncDispose]())
      await client.welcome()
      return client
    },
    tick(times: number): void {
      for (let at = 0; at < times; at++) core.tick()
    },
  }
}

describe('two gateways on one NATS', () => {
  test('are one room: each member receives each message once and in order, in its own encoding', async () => {
    const [one, two] = [await gateway(), await gateway()]
    const alice = await (await one.user('alice')).join('lobby')
    const bob = await (await two.user('bob', { encoding: 'msgpack' })).join('lobby')
    const outsider = await two.user('carol')
    for (let at = 0; at < 20; at++) await alice.ok({ type: 'publish', room: 'lobby', data: { at } })
    await vi.waitFor(() => expect(bob.dataOf('lobby')).toHaveLength(20))
    const expected = Array.from({ length: 20 }, (_, at) => ({ at }))
    expect([alice.dataOf('lobby'), bob.dataOf('lobby')]).toEqual([expected, expected])
    expect(await bob.message()).toMatchObject({ from: 'alice', session: alice.session })
    await outsider.settled()
    expect(outsider.dataOf('lobby')).toEqual([])
    expect([one.counters.deliveries, two.counters.deliveries]).toEqual([20, 20])
  })

  test('find a user on both, and one connection by its session', async () => {
    const [one, two] = [await gateway(), await gateway()]
    const alice = await one.user('alice')
    const [first, second] = [await one.user('bob'), await two.user('bob')]
    await alice.ok({ type: 'send', user: 'bob', data: 'both' })
    await alice.ok({ type: 'send', session: second.session, data: 'one' })
    expect(await first.message()).toMatchObject({ user: 'bob', data: 'both', from: 'alice' })
    expect([(await second.message()).data, (await second.message()).data]).toEqual(['both', 'one'])
    await first.settled()
    expect(first.frames.filter(({ type }) => type === 'message')).toHaveLength(1)
  })
})

describe('a gateway', () => {
  test('is left with nothing when its sockets are gone: members, topics, subscriptions, queues', async () => {
    const { core, backplane, user, tick, counters } = await gateway()
    const clients = [await user('alice'), await user('bob')]
    for (const client of clients) for (const room of ['a', 'b', 'c']) await client.join(room)
    expect([core.topics.count('room'), core.topics.count('user'), backplane.subscriptions]).toEqual([3, 2, 6])
    await clients[0]?.leave(1000)
    clients[1]?.socket.terminate()
    await vi.waitFor(() => expect(core.connections.total).toBe(0))
    expect([core.topics.count('room'), core.topics.count('user'), core.outbox.bytes]).toEqual([0, 0, 0])
    expect(Object.fromEntries(counters.closes.entries())).toMatchObject({ 1000: 1, 1006: 1 })
    tick(4 * 4)
    expect(backplane.subscriptions).toBe(6)
    tick(2 * 4)
    expect(backplane.subscriptions).toBe(1)
  })

  test('forgets a join that was under way when its socket was closed (case 46)', async () => {
    await using proxy = await startNatsProxy(nats.url)
    const { core, user } = await gateway({ url: proxy.url })
    const alice = await user('alice')
    proxy.silence()
    alice.send({ type: 'join', id: 1, room: 'lobby' })
    await vi.waitFor(() => expect(core.topics.count('room')).toBe(1))
    await alice.leave()
    await vi.waitFor(() => expect(core.connections.total).toBe(0))
    expect([core.topics.count('room'), core.topics.count('user')]).toEqual([0, 0])
  })

  test('lives on when a client floods it with pings, which is told and then closed with 4029', async () => {
    const { user } = await gateway({ env: { SLUICE_LIMITS_REQUESTS_PER_SECOND: '1', SLUICE_LIMITS_ROOMS_MAX: '1' } })
    const [flood, other] = [await user('flood'), await user('other')]
    for (let id = 1; id <= 300; id++) flood.send({ type: 'ping', id })
    expect((await flood.closedWithin(5000)).code).toBe(4029)
    expect(flood.frames.filter(({ code }) => code === 'rate_limited')).toHaveLength(100)
    await other.ok({ type: 'join', room: 'lobby' })
  })

  test('closes a client that reads nothing, and every other member of the room hears all', async () => {
    const { user, counters } = await gateway({
      env: { SLUICE_LIMITS_QUEUE_BYTES_MAX: '524288', SLUICE_LIMITS_PUBLISH_BURST: '10000' },
    })
    const members = [await user('a'), await user('slow'), await user('b')]
    for (const member of members) await member.join('lobby')
    const [first, slow, last] = members as [Client, Client, Client]
    slow.socket.pause()
    const data = 'x'.repeat(50_000)
    let sent = 0
    while (counters.slowConsumers === 0) {
      await first.ok({ type: 'publish', room: 'lobby', data })
      sent++
    }
    await vi.waitFor(() => expect([first, last].map((one) => one.dataOf('lobby').length)).toEqual([sent, sent]))
    slow.socket.resume()
    expect((await slow.closedWithin(10_000)).code).toBe(4008)
  })

  test('hears its own readiness probe', async () => {
    const { core, backplane, probes } = await gateway()
    await backplane.confirm()
    backplane.publish(core.probeSubject, Buffer.from('7'))
    await vi.waitFor(() => expect(probes).toEqual(['7']))
  })
})
