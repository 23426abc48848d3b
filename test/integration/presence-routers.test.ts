// Presence with both tiers: real gateways, routers and a real nats-server, asked as services ask and watched as clients watch.
import type { NatsConnection } from '@nats-io/transport-node'
import { createPresenceStores, decodeEvent, type PresenceEvent } from '@sluice/proto'
import { describe, expect } from 'vitest'
import { loseBucket } from '../harness/buckets.ts'
import type { Client } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import type { NatsServer } from '../harness/nats.ts'
import type { RouterProcess } from '../harness/router.ts'
import { type Stage, test } from '../harness/stage.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const settings = { namespaces: { default: { ...open, presence: true } }, presence: { lingerMs: 1000 } }
const watch = { type: 'join', room: 'lobby', presence: true }

interface Tiers {
  readonly nats: NatsServer
  readonly service: NatsConnection
  readonly gateways: readonly [GatewayProcess, GatewayProcess]
  readonly routers: readonly [RouterProcess, RouterProcess]
}

async function tiers(stage: Stage, env: NodeJS.ProcessEnv = {}, expectErrors = false): Promise<Tiers> {
  const nats = await stage.nats()
  const routers = await Promise.all([stage.router(nats, env), stage.router(nats, env)])
  const gateways = await Promise.all([
    stage.gateway(nats, { settings, expectErrors }),
    stage.gateway(nats, { settings, expectErrors }),
  ])
  return { nats, service: await nats.connect(), gateways, routers }
}

async function ask(service: NatsConnection, verb: string, request: object): Promise<Record<string, unknown>> {
  const message = await service.request(`sluice.api.${verb}`, JSON.stringify(request), { timeout: 2000 })
  return message.json()
}

/** What a client was told of who came and went. */
function told({ frames }: Client): string[] {
  return frames.flatMap(({ type, member }) =>
    type === 'joined' || type === 'left' ? `${type} ${(member as { user: string }).user}` : [],
  )
}

/** Events as the stream has them, each once however many routers have published it. */
async function storedEvents(service: NatsConnection): Promise<PresenceEvent[]> {
  const info = (await service.request('$JS.API.STREAM.INFO.SLUICE_EVENTS')).json<{ state: { last_seq: number } }>()
  const events: PresenceEvent[] = []
  for (let seq = 1; seq <= info.state.last_seq; seq++) {
    const answer = await service.request('$JS.API.STREAM.MSG.GET.SLUICE_EVENTS', JSON.stringify({ seq }))
    const { message } = answer.json<{ message: { data: string } }>()
    const event = decodeEvent(Buffer.from(message.data, 'base64'))
    if (event !== null) events.push(event)
  }
  return events
}

const kinds = (events: readonly PresenceEvent[], user: string): string[] =>
  events.flatMap((event) => ('user' in event && event.user === user ? event.kind : []))

describe('a service', () => {
  test('case 10: lists and counts members, users and connections over both gateways', async ({ stage }) => {
    const { service, gateways } = await tiers(stage)
    const [ann, ben] = [await stage.user(gateways[0], 'ann'), await stage.user(gateways[1], 'ben')]
    await Promise.all([ann.join('lobby'), ben.join('lobby')])
    await (await stage.user(gateways[1], 'ann')).join('lobby')
    await eventually(() => ask(service, 'presence', { room: 'default:lobby' })).toMatchObject({
      room: 'lobby',
      count: 2,
      connections: 3,
      members: expect.arrayContaining([
        { user: 'ann', connections: 2 },
        { user: 'ben', connections: 1 },
      ]),
    })
    expect(await ask(service, 'count', { rooms: ['lobby', 'empty'] })).toEqual({
      counts: { lobby: { members: 2, connections: 3 }, empty: { members: 0, connections: 0 } },
    })
    expect(await ask(service, 'rooms', { namespace: 'default' })).toEqual({
      rooms: [{ room: 'lobby', members: 2, connections: 3 }],
    })
    expect(await ask(service, 'user', { user: 'ann' })).toMatchObject({ connections: 2, rooms: ['lobby'] })
    expect(await ask(service, 'gateways', {})).toMatchObject({ gateways: [{ state: 'up' }, { state: 'up' }] })
    expect(await ann.ok({ type: 'presence', room: 'lobby' })).toMatchObject({ count: 2 })
  })

  test('gets a typed error for what it should not have asked', async ({ stage }) => {
    const { service } = await tiers(stage)
    const message = await service.request('sluice.api.presence', '{"room":"*"}')
    expect(message.headers?.get('Nats-Service-Error-Code')).toBe('400')
    expect(message.json()).toMatchObject({ code: 'bad_request' })
  })

  test('finds the routers by the protocol of NATS services', async ({ stage }) => {
    const { service } = await tiers(stage)
    const names = new Set<string>()
    for await (const message of await service.requestMany('$SRV.INFO.sluice', '', { maxWait: 500 })) {
      const info = message.json<{ id: string; endpoints: { subject: string }[] }>()
      expect(info.endpoints.map(({ subject }) => subject)).toContain('sluice.api.presence')
      names.add(info.id)
    }
    expect(names.size).toBe(2)
  })

  test('case 2: is not delayed by publishers that come and go', async ({ stage }) => {
    const { nats, service, gateways } = await tiers(stage)
    await (await stage.user(gateways[0], 'ann')).join('lobby')
    await eventually(() => ask(service, 'count', { rooms: ['lobby'] })).toMatchObject({
      counts: { lobby: { members: 1 } },
    })
    for (let round = 0; round < 10; round++) {
      const passing = await nats.connect()
      passing.publish('sluice.room.default.lobby', '1')
      const startedAt = performance.now()
      expect(await ask(service, 'presence', { room: 'lobby' })).toMatchObject({ count: 1 })
      expect(performance.now() - startedAt).toBeLessThan(500)
      await passing.close()
    }
  })

  test('gets answers while a router is frozen, and after it was killed', async ({ stage }) => {
    const { service, gateways, routers } = await tiers(stage)
    await (await stage.user(gateways[0], 'ann')).join('lobby')
    await eventually(() => ask(service, 'presence', { room: 'lobby' })).toMatchObject({ count: 1 })
    routers[0].child.signal('SIGSTOP')
    for (let at = 0; at < 50; at++)
      expect(await ask(service, 'presence', { room: `r${at}` })).toMatchObject({ count: 0 })
    routers[0].child.signal('SIGCONT')
    await routers[0].child.kill()
    for (let at = 0; at < 50; at++)
      expect(await ask(service, 'presence', { room: 'lobby' })).toMatchObject({ count: 1 })
  })
})

describe('events', () => {
  test('case 6: say that a room is empty when the last member of all gateways has left, each event once', async ({
    stage,
  }) => {
    const { service, gateways } = await tiers(stage)
    const [ann, ben] = [await stage.user(gateways[0], 'ann'), await stage.user(gateways[1], 'ben')]
    await ann.join('lobby')
    await eventually(async () => kinds(await storedEvents(service), 'ann')).toEqual(['connected', 'joined', 'occupied'])
    await ben.join('lobby')
    await eventually(async () => kinds(await storedEvents(service), 'ben')).toEqual(['connected', 'joined'])
    await ann.leave()
    await eventually(async () =>
      kinds(await storedEvents(service), 'ann')
        .slice(3)
        .sort(),
    ).toEqual(['disconnected', 'left'])
    expect((await storedEvents(service)).some(({ kind }) => kind === 'empty')).toBe(false)
    await ben.leave()
    await eventually(async () =>
      kinds(await storedEvents(service), 'ben')
        .slice(2)
        .sort(),
    ).toEqual(['disconnected', 'empty', 'left'])
  })
})

test('case 4: members on two gateways see both', async ({ stage }) => {
  const { gateways } = await tiers(stage)
  const [ann, ben] = [await stage.user(gateways[0], 'ann'), await stage.user(gateways[1], 'ben')]
  await ann.ok(watch)
  expect(await ben.ok(watch)).toMatchObject({ count: 2 })
  await eventually(() => told(ann)).toEqual(['joined ben'])
})

test('a gateway that is killed shows one leave of those who do not come back, within 12.5 s, also to services', {
  timeout: 60_000,
}, async ({ stage }) => {
  const { service, gateways } = await tiers(stage, {}, true)
  const ann = await stage.user(gateways[1], 'ann')
  await ann.ok(watch)
  const [ben, cat] = [await stage.user(gateways[0], 'ben'), await stage.user(gateways[0], 'cat')]
  await Promise.all([ben.join('lobby'), cat.join('lobby')])
  await eventually(() => told(ann).length).toBe(2)
  const killedAt = performance.now()
  await gateways[0].child.kill()
  await (await stage.user(gateways[1], 'ben')).join('lobby')
  await eventually(() => told(ann).slice(2), 13_000).toEqual(['left cat'])
  expect(performance.now() - killedAt).toBeLessThan(12_500)
  await eventually(() => ask(service, 'presence', { room: 'lobby' }), 3000).toMatchObject({ count: 2 })
  await eventually(async () => kinds(await storedEvents(service), 'cat'), 3000).toContain('left')
  const events = await storedEvents(service)
  expect(kinds(events, 'cat').filter((kind) => kind === 'left')).toEqual(['left'])
  expect(kinds(events, 'ben')).not.toContain('left')
  // What the dead one left is purged, and its lease with it.
  await eventually(() => ask(service, 'gateways', {}), 5000).toMatchObject({ gateways: [{ state: 'up' }] })
})

test('a burst of connections of one user ends at the limit within a second or so, the oldest closed with 4030', async ({
  stage,
}) => {
  const { service, gateways } = await tiers(stage, { SLUICE_ACCEPT_USER_CONNECTIONS_MAX: '3' })
  const clients: Client[] = []
  for (let at = 0; at < 6; at++) clients.push(await stage.user(gateways[at % 2] as GatewayProcess, 'ann'))
  for (const client of clients.slice(0, 3)) expect(await client.closed).toMatchObject({ code: 4030 })
  await eventually(() => ask(service, 'user', { user: 'ann' })).toMatchObject({ connections: 3 })
  for (const client of clients.slice(3)) await client.settled()
})

test('NATS away for twice the lease makes nobody leave', { timeout: 90_000 }, async ({ stage }) => {
  const { nats, service, gateways } = await tiers(stage, {}, true)
  const [ann, ben] = [await stage.user(gateways[0], 'ann'), await stage.user(gateways[1], 'ben')]
  await ann.ok(watch)
  await ben.join('lobby')
  await eventually(() => told(ann)).toEqual(['joined ben'])
  await nats.stop()
  await new Promise((resolve) => setTimeout(resolve, 20_000))
  await nats.start()
  const back = await nats.connect()
  await eventually(() => ask(back, 'presence', { room: 'lobby' }).catch(() => null), 15_000).toMatchObject({ count: 2 })
  // Any judgement would have come by now.
  await new Promise((resolve) => setTimeout(resolve, 13_000))
  expect(told(ann)).toEqual(['joined ben'])
  expect(await ask(back, 'presence', { room: 'lobby' })).toMatchObject({ count: 2 })
  await service.close()
})

test('both buckets lost are made and written anew', { timeout: 60_000 }, async ({ stage }) => {
  const { service, gateways } = await tiers(stage, {}, true)
  const [ann, ben] = [await stage.user(gateways[0], 'ann'), await stage.user(gateways[1], 'ben')]
  await ann.ok(watch)
  await ben.join('lobby')
  await eventually(() => told(ann)).toEqual(['joined ben'])
  const stores = createPresenceStores()
  await loseBucket(service, stores.leases)
  await loseBucket(service, stores.entries)
  await new Promise((resolve) => setTimeout(resolve, 28_000))
  expect(await ask(service, 'presence', { room: 'lobby' })).toMatchObject({ count: 2 })
  expect(told(ann)).toEqual(['joined ben'])
  await (await stage.user(gateways[1], 'cat')).join('lobby')
  await eventually(() => told(ann)).toEqual(['joined ben', 'joined cat'])
})
