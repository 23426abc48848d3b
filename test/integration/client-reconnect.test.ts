import { setTimeout as pause } from 'node:timers/promises'
import type { State } from '@sluice/client'
import { describe, expect } from 'vitest'
import { makeBuckets } from '../harness/buckets.ts'
import { library, libraryProcess, record, saidOf } from '../harness/client-library.ts'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import { type NatsProxy, startNatsProxy } from '../harness/nats-proxy.ts'
import { type Stage, test } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const ROOM = 'chat:lobby'
const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }

/** A wire in front of a gateway, that a test can cut, or silence in both its sockets. */
async function wire(stage: Stage, gateway: GatewayProcess): Promise<{ url: string; proxy: NatsProxy }> {
  const proxy = stage.use(await startNatsProxy(gateway.url))
  return { url: `ws://${new URL(proxy.url).host}/ws`, proxy }
}

describe('a gateway that is killed', () => {
  test('loses its clients to another one: rooms are joined there, what is published meanwhile arrives', async ({
    stage,
  }) => {
    const nats = await stage.nats()
    const [one, two] = await Promise.all([stage.gateway(nats, { expectErrors: true }), stage.gateway(nats)])
    const address = { now: one.url }
    const token = await makeToken('ann')
    const ann = library(stage, () => address.now, { token })
    const lobby = record(ann.sluice.room(ROOM))
    await lobby.room.ready()
    const ben = await stage.user(two, 'ben')
    await ben.join(ROOM)
    await one.child.kill()
    address.now = two.url
    await eventually(() => ann.states.map(({ name }) => name)).toContain('waiting')
    const published = [1, 2, 3].map((data) => lobby.room.publish(data))
    await Promise.all(published)
    await eventually(() => ben.dataOf(ROOM)).toEqual([1, 2, 3])
    await ben.ok({ type: 'publish', room: ROOM, data: 'welcome back' })
    await eventually(() => lobby.data).toEqual([1, 2, 3, 'welcome back'])
    expect(ann.errors).toEqual([])
  })

  test('that is told to stop sends its clients away with 1012, who come back at once', async ({ stage }) => {
    const nats = await stage.nats()
    const [one, two] = await Promise.all([stage.gateway(nats), stage.gateway(nats)])
    const address = { now: one.url }
    const { sluice, states } = library(stage, () => address.now, { token: await makeToken('ann') })
    const room = sluice.room(ROOM)
    await room.ready()
    address.now = two.url
    one.child.signal('SIGTERM')
    await eventually(() => states.map(({ name }) => name)).toEqual([
      'connecting',
      'open',
      'waiting',
      'connecting',
      'open',
    ])
    expect(states[2]).toMatchObject({ code: 1012 })
    await room.ready()
  })
})

describe('case 38: a socket that a proxy cuts without a close frame', () => {
  test('is replaced, and the room is heard again', async ({ stage }) => {
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats)
    const { url, proxy } = await wire(stage, gateway)
    const { sluice, states } = library(stage, url, { token: await makeToken('ann') })
    const lobby = record(sluice.room(ROOM))
    await lobby.room.ready()
    for (let cut = 1; cut <= 5; cut++) {
      proxy.cut()
      await eventually(() => lobby.events.filter(([, state]) => state === 'joined').length).toBe(cut + 1)
      await lobby.room.publish(cut)
      await eventually(() => lobby.data.at(-1)).toBe(cut)
    }
    expect(lobby.data).toEqual([1, 2, 3, 4, 5])
    expect(states.filter(({ name }) => name === 'waiting')).toMatchObject(new Array(5).fill({ code: 1006 }))
  })

  test('that is only silent is found by the heartbeat', async ({ stage }) => {
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats, { settings: { limits: { heartbeatMs: 1000, silenceMs: 60_000 } } })
    const { url, proxy } = await wire(stage, gateway)
    const { sluice, states } = library(stage, url, { token: await makeToken('ann') })
    await sluice.room(ROOM).ready()
    await pause(2500)
    // It was silent for twice the heartbeat, and answered.
    expect(states.map(({ name }) => name)).toEqual(['connecting', 'open'])
    proxy.silence()
    await eventually(() => states.slice(2)).toMatchObject([
      { name: 'waiting', code: 1006, reason: 'no sign of life' },
      { name: 'connecting' },
      { name: 'open' },
    ])
  })
})

describe('case 42: a client process that was stopped for a time and goes on', { timeout: 60_000 }, () => {
  test('notices at once that its gateway has given it up, and is back', async ({ stage }) => {
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats, { settings: { limits: { heartbeatMs: 1000, silenceMs: 3000 } } })
    const child = await libraryProcess(stage, gateway.url, ROOM, { backoff: { minMs: 50 } })
    child.signal('SIGSTOP')
    await eventually(async () => (await gateway.metrics()).value('connections'), 15_000).toBe(0)
    child.signal('SIGCONT')
    const goneOnAtMs = performance.now()
    await eventually(() => (saidOf(child, 'state') as State[]).map(({ name }) => name)).toEqual([
      'connecting',
      'open',
      'waiting',
      'connecting',
      'open',
    ])
    expect(performance.now() - goneOnAtMs).toBeLessThan(2000)
    await eventually(() => saidOf(child, 'room')).toEqual(['joined', 'joining', 'joined'])
    await (await stage.user(gateway, 'ben')).ok({ type: 'publish', room: ROOM, data: 'hello again' })
    await eventually(() => saidOf(child, 'message')).toMatchObject([{ data: 'hello again' }])
  })

  test('notices by the clock also where nobody tells it that the socket is dead', async ({ stage }) => {
    const nats = await stage.nats()
    // Of the heartbeat alone it would learn after 37 seconds.
    const gateway = await stage.gateway(nats, { settings: { limits: { heartbeatMs: 25_000, silenceMs: 60_000 } } })
    const { url, proxy } = await wire(stage, gateway)
    const child = await libraryProcess(stage, url, ROOM, { probeMs: 500, backoff: { minMs: 50 } })
    child.signal('SIGSTOP')
    proxy.silence()
    await pause(8000)
    child.signal('SIGCONT')
    const goneOnAtMs = performance.now()
    await eventually(() => saidOf(child, 'state')).toMatchObject([
      { name: 'connecting' },
      { name: 'open' },
      { name: 'waiting', reason: 'no sign of life' },
      { name: 'connecting' },
      { name: 'open' },
    ])
    expect(performance.now() - goneOnAtMs).toBeLessThan(3000)
    await eventually(() => saidOf(child, 'room').at(-1)).toBe('joined')
  })
})

test('NATS away: the socket stays, publishes reject with when to try again, and all heals by itself', async ({
  stage,
}) => {
  const nats = await stage.nats()
  const gateway = await stage.gateway(nats)
  const { sluice, states } = library(stage, gateway.url, { token: await makeToken('ann') })
  const lobby = record(sluice.room(ROOM))
  await lobby.room.ready()
  await nats.stop()
  await eventually(async () => (await gateway.metrics()).value('nats_connected')).toBe(0)
  await expect(lobby.room.publish(1)).rejects.toMatchObject({ code: 'unavailable', retryAfterMs: expect.any(Number) })
  const late = record(sluice.room('chat:late'))
  await nats.start()
  await eventually(() => lobby.room.publish(2).catch(({ code }) => code), 15_000).toMatchObject({ duplicate: false })
  await eventually(() => lobby.data.at(-1), 10_000).toBe(2)
  await late.room.ready({ timeoutMs: 15_000 })
  expect(states.map(({ name }) => name)).toEqual(['connecting', 'open'])
})

test('a token is replaced before it ends, on the open connection', async ({ stage }) => {
  const nats = await stage.nats()
  const gateway = await stage.gateway(nats, { settings: { auth: { clockToleranceMs: 0 } } })
  let asked = 0
  const { sluice, states } = library(stage, gateway.url, {
    token: () => {
      asked++
      return makeToken('ann', { ttlSeconds: 3 })
    },
  })
  await sluice.room(ROOM).ready()
  await pause(6000)
  expect(asked).toBeGreaterThan(2)
  expect(states.map(({ name }) => name)).toEqual(['connecting', 'open'])
})

test('members on two gateways are one view, that follows who comes and goes, and survives a lost gateway', async ({
  stage,
}) => {
  const nats = await stage.nats()
  await makeBuckets(await nats.connect())
  const settings = { namespaces: { default: { ...open, presence: true } }, presence: { lingerMs: 1000 } }
  const [one, two] = await Promise.all([
    stage.gateway(nats, { settings, expectErrors: true }),
    stage.gateway(nats, { settings }),
  ])
  const address = { now: one.url }
  const ann = library(stage, () => address.now, {
    token: await makeToken('ann', { grants: { info: { name: 'Ann' } } }),
  })
  const hall = record(ann.sluice.room('hall', { presence: true }))
  await hall.room.ready()
  expect(hall.room.members).toEqual([{ user: 'ann', info: { name: 'Ann' }, connections: 1 }])
  const ben = library(stage, two.url, { token: await makeToken('ben') })
  const other = ben.sluice.room('hall', { presence: true })
  const users = (): string[] => hall.room.members.map(({ user }) => user).sort()
  await eventually(users).toEqual(['ann', 'ben'])
  await eventually(() => other.members.map(({ user }) => user).sort()).toEqual(['ann', 'ben'])
  const cat = await stage.user(two, 'cat')
  await cat.join('hall')
  await eventually(users).toEqual(['ann', 'ben', 'cat'])
  await cat.leave()
  await eventually(users).toEqual(['ann', 'ben'])
  expect(
    hall.events.filter(([name]) => name !== 'state').map(([name, member]) => [name, (member as { user: string }).user]),
  ).toEqual([
    ['joined', 'ben'],
    ['joined', 'cat'],
    ['left', 'cat'],
  ])
  address.now = two.url
  await one.child.kill()
  await eventually(() => hall.events.filter(([, state]) => state === 'joined').length).toBe(2)
  await eventually(users).toEqual(['ann', 'ben'])
  expect((await hall.room.presence()).members.map(({ user }) => user).sort()).toEqual(['ann', 'ben'])
})
