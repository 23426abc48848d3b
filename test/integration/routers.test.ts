// Routers on their own: processes and a real nats-server, with gateways played by hand. How shards are shared, handed over, cleaned
// and told of.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NatsConnection } from '@nats-io/transport-node'
import { type Control, createPresenceStores, decodeControl, type PresenceEvent } from '@sluice/proto'
import { describe, expect } from 'vitest'
import { keysOf } from '../harness/buckets.ts'
import { eventsOf, storedEvents } from '../harness/events.ts'
import { eventually } from '../harness/eventually.ts'
import { type FakeGateway, startFakeGateway } from '../harness/fake-gateway.ts'
import type { NatsServer } from '../harness/nats.ts'
import type { RouterProcess } from '../harness/router.ts'
import { type Stage, test } from '../harness/stage.ts'

const stores = createPresenceStores()
const ROOMS = Array.from({ length: 40 }, (_, at) => `room-${at}`)

interface Tier {
  readonly nats: NatsServer
  readonly client: NatsConnection
  readonly routers: readonly RouterProcess[]
  readonly gateway: FakeGateway
}

async function tier(stage: Stage, count: number, env: NodeJS.ProcessEnv = {}): Promise<Tier> {
  const nats = await stage.nats()
  const routers = [await stage.router(nats, env)]
  routers.push(...(await Promise.all(Array.from({ length: count - 1 }, () => stage.router(nats, env)))))
  const client = await nats.connect()
  const gateway = stage.use(await startFakeGateway(client, 'gw1'))
  return { nats, client, routers, gateway }
}

interface Answer {
  readonly code?: string
  readonly count?: number
  readonly rooms?: readonly unknown[]
  readonly counts?: Readonly<Record<string, unknown>>
}

async function ask(client: NatsConnection, verb: string, request: object, timeout = 3000): Promise<Answer> {
  return (await client.request(`sluice.api.${verb}`, JSON.stringify(request), { timeout })).json()
}

const isResync = ({ kind }: PresenceEvent): boolean => kind === 'resync'

describe('three routers', () => {
  test('share the shards, and each answers for its own and gathers the rest', async ({ stage }) => {
    const { client, routers, gateway } = await tier(stage, 3)
    for (const room of ROOMS) await gateway.room(room, 'ann')
    const owned = async (): Promise<number[]> =>
      Promise.all(routers.map(async (router) => (await router.metrics()).value('shards_loaded', { scope: 'room' })))
    await eventually(async () => (await owned()).reduce((sum, count) => sum + count, 0), 10_000).toBe(128)
    for (const count of await owned()) expect(count).toBeLessThan(64)
    await eventually(async () => (await ask(client, 'rooms', { namespace: 'default' })).rooms?.length).toBe(
      ROOMS.length,
    )
    expect((await ask(client, 'user', { user: 'ann' })).rooms).toHaveLength(ROOMS.length)
    const { counts } = await ask(client, 'count', { rooms: ROOMS })
    expect(Object.values(counts ?? {})).toEqual(ROOMS.map(() => ({ members: 1, connections: 1 })))
    for (const room of ROOMS) expect((await ask(client, 'presence', { room })).count).toBe(1)
  })

  test('answer everything while one of them is frozen, and at once', async ({ stage }) => {
    const { client, routers, gateway } = await tier(stage, 3)
    for (const room of ROOMS) await gateway.room(room, 'ann')
    await eventually(async () => (await ask(client, 'rooms', { namespace: 'default' })).rooms?.length).toBe(
      ROOMS.length,
    )
    routers[1]?.child.signal('SIGSTOP')
    const startedAt = performance.now()
    for (const room of ROOMS) expect((await ask(client, 'presence', { room }, 500)).count).toBe(1)
    expect((await ask(client, 'rooms', { namespace: 'default' }, 1000)).rooms).toHaveLength(ROOMS.length)
    expect((await ask(client, 'user', { user: 'ann' }, 1000)).rooms).toHaveLength(ROOMS.length)
    expect(Object.keys((await ask(client, 'count', { rooms: ROOMS }, 1000)).counts ?? {})).toHaveLength(ROOMS.length)
    expect(performance.now() - startedAt).toBeLessThan(2000)
    routers[1]?.child.signal('SIGCONT')
  })
})

describe('a router that stops', () => {
  test('hands over: no question waits, no event is missing, and nobody is told to begin anew', async ({ stage }) => {
    const { client, routers, gateway } = await tier(stage, 3)
    for (const room of ROOMS) await gateway.room(room, 'ann')
    await eventually(async () => (await ask(client, 'rooms', { namespace: 'default' })).rooms?.length).toBe(
      ROOMS.length,
    )
    const resyncs = (await storedEvents(client)).filter(isResync).length
    const stopping = routers[0]?.child.stop(10_000)
    let ended = false
    void stopping?.then(() => {
      ended = true
    })
    let asked = 0
    while (!ended) {
      const room = ROOMS[asked++ % ROOMS.length] as string
      expect((await ask(client, 'presence', { room }, 500)).count).toBe(1)
      if (asked % 20 === 0) await gateway.user(`user-${asked}`, `gw1.${asked}`)
    }
    expect(await stopping).toMatchObject({ code: 0 })
    expect(routers[0]?.log.find(({ msg }) => msg === 'the shards are handed over')?.outcome).toBe('handed over')
    await eventually(async () => {
      const events = await storedEvents(client)
      return events.filter(({ kind }) => kind === 'connected').length
    }).toBe(Math.floor(asked / 20))
    expect((await storedEvents(client)).filter(isResync)).toHaveLength(resyncs)
  })

  test('ends at once where it is alone', async ({ stage }) => {
    const { routers } = await tier(stage, 1)
    const startedAt = performance.now()
    expect(await routers[0]?.child.stop()).toMatchObject({ code: 0 })
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })
})

describe('a gateway that has died', () => {
  test('is declared dead, its members leave once, and what it left is purged, in its shards alone', {
    timeout: 60_000,
  }, async ({ stage }) => {
    const { client, gateway } = await tier(stage, 2)
    const other = stage.use(await startFakeGateway(client, 'gw2'))
    await gateway.room('lobby', 'ann', 'bob')
    await gateway.user('ann', 'gw1.1')
    await other.room('lobby', 'bob')
    await eventually(async () => (await ask(client, 'presence', { room: 'lobby' })).count).toBe(2)
    const crashedAt = performance.now()
    gateway.crash()
    await eventually(async () => (await ask(client, 'presence', { room: 'lobby' })).count, 14_000).toBe(1)
    // The last renewal may have been a second before the crash.
    expect(performance.now() - crashedAt).toBeLessThan(12_700)
    expect((await keysOf(client, stores.leases, 'gateway.gw1')).get('gateway.gw1')).toMatchObject({ state: 'dead' })
    await eventually(async () => [...(await keysOf(client, stores.entries)).keys()]).toHaveLength(1)
    await eventually(async () => eventsOf(await storedEvents(client), 'ann')).toEqual(
      expect.arrayContaining(['left lobby', 'disconnected gw1.1']),
    )
    const events = await storedEvents(client)
    expect(events.find(({ kind }) => kind === 'left')).toMatchObject({
      reason: 'expired',
      gateway: 'gw1',
      room: 'lobby',
    })
    expect(eventsOf(events, 'ann').filter((event) => event === 'left lobby')).toHaveLength(1)
    expect(eventsOf(events, 'bob')).toEqual(['joined lobby'])
  })

  test('and whose next lease adopts it keeps its members until that one has told everything', async ({ stage }) => {
    const { client, gateway } = await tier(stage, 1)
    await gateway.room('lobby', 'ann', 'bob')
    await eventually(async () => (await ask(client, 'presence', { room: 'lobby' })).count).toBe(2)
    gateway.crash()
    const next = stage.use(await startFakeGateway(client, 'gw1-2'))
    await next.say({ state: 'announcing', adopts: 'gw1' })
    await gateway.say({ state: 'dead' })
    await next.room('lobby', 'ann')
    expect((await ask(client, 'presence', { room: 'lobby' })).count).toBe(2)
    await next.say({ state: 'up' })
    await eventually(async () => (await ask(client, 'presence', { room: 'lobby' })).count, 8000).toBe(1)
    expect(eventsOf(await storedEvents(client), 'ann')).toEqual(['joined lobby', 'occupied lobby'])
    await eventually(async () => [...(await keysOf(client, stores.entries)).keys()]).toHaveLength(1)
  })
})

test('a frozen router that wakes declares nobody dead, and answers as before', { timeout: 60_000 }, async ({
  stage,
}) => {
  const { client, routers, gateway } = await tier(stage, 2)
  await gateway.room('lobby', 'ann')
  await eventually(async () => (await ask(client, 'presence', { room: 'lobby' })).count).toBe(1)
  routers[0]?.child.signal('SIGSTOP')
  await eventually(async () => (await routers[1]?.metrics())?.value('leases_buried_total'), 16_000).toBe(1)
  await gateway.room('lobby', 'ann', 'bob')
  routers[0]?.child.signal('SIGCONT')
  await routers[0]?.logged('our lease was lost; going on under a new instance', 10_000)
  await eventually(async () => (await routers[0]?.readyz())?.status).toBe(200)
  await routers[1]?.child.kill()
  expect((await ask(client, 'presence', { room: 'lobby' })).count).toBe(2)
  expect((await routers[0]?.metrics())?.value('leases_buried_total')).toBe(0)
  expect((await storedEvents(client)).filter(({ kind }) => kind === 'left')).toEqual([])
})

describe('a user with too many connections', () => {
  test('loses the same ones by every router, told again until they are gone', async ({ stage }) => {
    const { client, gateway } = await tier(stage, 2, { SLUICE_ACCEPT_USER_CONNECTIONS_MAX: '2' })
    const told: Control[] = []
    client.subscribe('sluice.ctl.gateway.gw1', {
      callback: (_, { data }) => void told.push(decodeControl(data) as Control),
    })
    await client.flush()
    await gateway.user('ann', 'gw1.1', 'gw1.2', 'gw1.3', 'gw1.4')
    // Both at once, and again a second later.
    await eventually(() => told.length).toBeGreaterThan(2)
    for (const control of told) expect(control).toMatchObject({ code: 4030, sessions: ['gw1.1', 'gw1.2'] })
    await gateway.user('ann', 'gw1.3', 'gw1.4')
    await eventually(async () => (await ask(client, 'user', { user: 'ann' })) as object).toMatchObject({
      connections: 2,
    })
    const before = told.length
    await gateway.user('bob', 'gw1.5')
    await eventually(async () => (await ask(client, 'user', { user: 'bob' })) as object).toMatchObject({
      connections: 1,
    })
    expect(told.length).toBeLessThanOrEqual(before + 2)
  })
})

describe('events', () => {
  test('begin with a resync of each shard where no router was before, and a further router brings none', async ({
    stage,
  }) => {
    const { client, nats } = await tier(stage, 1)
    await eventually(async () => (await storedEvents(client)).filter(isResync).length, 10_000).toBe(64 + 1024)
    await stage.router(nats)
    expect((await storedEvents(client)).filter(isResync)).toHaveLength(64 + 1024)
  })
})

describe('a router process', () => {
  test('exits with 2 for mistakes in its configuration, and names each', async ({ stage }) => {
    const router = stage.launchRouter('nats://127.0.0.1:1', { SLUICE_ROUTER_REPLICAS: '9', SLUICE_ROUTER_PORT: '1' })
    expect(await router.child.exited).toMatchObject({ code: 2 })
    expect(router.child.lines.join()).toMatch(
      /SLUICE_ROUTER_PORT.*SLUICE_ROUTER_REPLICAS|SLUICE_ROUTER_REPLICAS.*SLUICE_ROUTER_PORT/,
    )
  })

  test('waits for NATS, not ready, and ends with 0 when it is told to meanwhile', async ({ stage }) => {
    const router = stage.launchRouter('nats://127.0.0.1:1')
    await router.logged('waiting for NATS')
    expect(await router.readyz()).toMatchObject({ status: 503, reasons: ['starting'] })
    expect(await router.child.stop()).toMatchObject({ code: 0 })
  })

  test('is not ready where NATS cannot make the stores, and says so', async ({ stage }) => {
    const nats = await stage.nats()
    const router = stage.launchRouter(nats.url, { SLUICE_ROUTER_REPLICAS: '3' })
    await router.logged('a store could not be made right; it is repeated')
    expect((await router.readyz()).reasons).toEqual(['starting'])
    expect(await router.child.stop()).toMatchObject({ code: 0 })
  })

  test("takes over another log level while it runs, and leaves the gateway's sections alone", async ({ stage }) => {
    const nats = await stage.nats()
    const path = join(stage.folder(), 'sluice.json')
    writeFileSync(path, JSON.stringify({ log: { level: 'info' } }))
    const router = await stage.router(nats, { SLUICE_CONFIG: path })
    writeFileSync(path, JSON.stringify({ log: { level: 'debug' }, listen: { port: 8081 } }))
    router.child.signal('SIGHUP')
    await router.logged('the configuration has changed')
    expect((await router.metrics()).value('config_reloads_total', { result: 'applied' })).toBe(1)
  })
})

describe('a question', () => {
  test('case 52: is answered with what was written before it, or says that it is not', async ({ stage }) => {
    const { client, gateway } = await tier(stage, 2)
    for (let at = 0; at < 20; at++) {
      const revision = await gateway.room('lobby', ...Array.from({ length: at + 1 }, (_, user) => `user-${user}`))
      expect((await ask(client, 'presence', { room: 'lobby', revision })).count).toBe(at + 1)
    }
    const revision = await gateway.room('lobby', 'ann')
    const startedAt = performance.now()
    expect(await ask(client, 'presence', { room: 'lobby', revision: revision + 1000 })).toMatchObject({
      code: 'unavailable',
    })
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })

  test.for<[string, object]>([
    ['presence', { room: 'lobby', limit: 0 }],
    ['presence', {}],
    ['count', { rooms: [] }],
    ['rooms', { namespace: '*' }],
    ['user', { user: '' }],
  ])('of %s that is malformed gets bad_request', async ([verb, request], { stage }) => {
    const { client } = await tier(stage, 1)
    const message = await client.request(`sluice.api.${verb}`, JSON.stringify(request))
    expect(message.headers?.get('Nats-Service-Error-Code')).toBe('400')
    expect(message.json()).toMatchObject({ code: 'bad_request' })
  })
})
