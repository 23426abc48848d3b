// The client library where services answer and act: calls, rooms that are given and taken away, and a disconnect. On real gateways and a
// real router; services are plain NATS clients.
import { setTimeout as pause } from 'node:timers/promises'
import { SluiceError } from '@sluice/client'
import { describe, expect } from 'vitest'
import { library, QUICK, record } from '../harness/client-library.ts'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import { startNatsProxy } from '../harness/nats-proxy.ts'
import { serve } from '../harness/service.ts'
import { api, SERVICE_SETTINGS, testWithServices } from '../harness/services.ts'
import type { Stage } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const service = { who: 'service' }
const test = testWithServices({
  namespaces: { ...SERVICE_SETTINGS.namespaces, desk: { join: service, publish: { who: 'anyone' } } },
})

/** A client whose sockets go through a wire that can be cut. */
async function wired(stage: Stage, gateway: GatewayProcess, user: string, grants: object = {}) {
  const proxy = stage.use(await startNatsProxy(gateway.url))
  const token = await makeToken(user, { grants })
  const told = library(stage, `ws://${new URL(proxy.url).host}/ws`, { token })
  const added: string[] = []
  const rooms: ReturnType<typeof record>[] = []
  told.sluice.on('added', (room) => {
    added.push(room.name)
    rooms.push(record(room))
  })
  return { ...told, added, rooms, cut: () => proxy.cut() }
}

/** Why a promise rejects. */
async function why(promise: Promise<unknown>): Promise<SluiceError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof SluiceError)) throw new Error(`no SluiceError: ${String(error)}`)
  return error
}

describe('a call of the library', () => {
  test('is answered by a service, with data or bytes', async ({ stage, cluster: { nats, one } }) => {
    const asked = await serve(await nats.connect(), 'sluice.call.sums.add', (message) => {
      const [a = 0, b = 0] = message.json<number[]>()
      return JSON.stringify({ sum: a + b })
    })
    const { sluice } = await wired(stage, one, 'c-ann', { call: ['sums.add'] })
    expect(await sluice.call('sums.add', [1, 2])).toEqual({ sum: 3 })
    expect(asked.asked[0]?.headers?.get('Sluice-From')).toBe('c-ann')
    asked.answers((message) => ({
      payload: message.data.toReversed(),
      headers: { 'Content-Type': 'application/octet-stream' },
    }))
    expect(await sluice.call('sums.add', Uint8Array.of(1, 0, 255))).toEqual(Uint8Array.of(255, 0, 1))
  })

  test('rejects with the error of the service, or with why there is none', async ({ stage, cluster }) => {
    const { nats, one } = cluster
    await serve(await nats.connect(), 'sluice.call.orders.create', () => ({
      payload: '{"left":0}',
      headers: { 'Nats-Service-Error-Code': '409', 'Nats-Service-Error': 'sold out' },
    }))
    const silent = await serve(await nats.connect(), 'sluice.call.orders.slow', () => undefined)
    const { sluice } = await wired(stage, one, 'e-ann', { call: ['orders.create', 'orders.slow', 'orders.gone'] })
    const failed = await why(sluice.call('orders.create', null))
    expect(failed).toMatchObject({ code: 'service_error', message: 'sold out', details: { left: 0 } })
    expect((await why(sluice.call('orders.gone', null))).code).toBe('no_service')
    expect((await why(sluice.call('orders.other', null))).code).toBe('forbidden')
    expect((await why(sluice.call('orders..', null))).code).toBe('bad_request')
    expect((await why(sluice.call('orders.slow', null, { timeoutMs: 300 }))).code).toBe('timeout')
    // The gateway knows how long the caller waits.
    expect(silent.asked[0]?.headers?.get('Sluice-Deadline-Ms')).toBe('300')
  })

  test('that a lost socket leaves open rejects with lost, and is asked once', async ({ stage, cluster }) => {
    const { nats, one } = cluster
    const asked = await serve(await nats.connect(), 'sluice.call.jobs.run', () => undefined)
    const { sluice, states, cut } = await wired(stage, one, 'o-ann', { call: ['*'] })
    const running = why(sluice.call('jobs.run', 1))
    await eventually(() => asked.asked.length).toBe(1)
    cut()
    expect((await running).code).toBe('lost')
    await eventually(() => states.filter(({ name }) => name === 'open').length).toBe(2)
    asked.answers(() => '"done"')
    expect(await sluice.call('jobs.run', 2)).toBe('done')
    expect(asked.asked.map((message) => message.json())).toEqual([1, 2])
  })
})

describe('a room that is taken away', () => {
  test('by a service is told, and not joined again unless it is asked for', async ({ stage, cluster }) => {
    const { one, two, client } = cluster
    const { sluice, states, cut } = await wired(stage, one, 'r-ann')
    const told = record(sluice.room('r-room'))
    const other = record(sluice.room('r-other'))
    await Promise.all([told.room.ready(), other.room.ready()])
    const act = { user: 'r-ann', room: 'r-room', reason: 'moderated' }
    expect(await api(client, 'leave', act)).toEqual({ connections: 1 })
    await eventually(() => told.room.state).toBe('removed')
    expect(told.events).toContainEqual(['removed', { code: 'forbidden', reason: 'moderated' }])
    cut()
    await eventually(() => states.filter(({ name }) => name === 'open').length).toBe(2)
    await other.room.ready()
    const ben = await stage.user(two, 'r-ben')
    await ben.ok({ type: 'publish', room: 'r-room', data: 'unheard' })
    await ben.ok({ type: 'publish', room: 'r-other', data: 'heard' })
    await eventually(() => other.data).toEqual(['heard'])
    expect([told.room.state, told.data]).toEqual(['removed', []])
    const again = record(sluice.room('r-room'))
    await again.room.ready()
    await ben.ok({ type: 'publish', room: 'r-room', data: 'anew' })
    await eventually(() => again.data).toEqual(['anew'])
    expect(told.data).toEqual([])
  })

  test('by a service that decides about it, when its yes ends', async ({ stage, cluster: { nats, one } }) => {
    const asked = await serve(await nats.connect(), 'sluice.authorize.join.desk', () => '{"allow":true,"ttlMs":1000}')
    const { sluice } = await wired(stage, one, 'w-ann')
    const told = record(sluice.room('desk:shift'))
    await told.room.ready()
    asked.answers(() => '{"allow":false,"reason":"the shift is over"}')
    await eventually(() => told.room.state).toBe('removed')
    expect(told.events).toContainEqual(['removed', { code: 'forbidden', reason: 'the shift is over' }])
    const refused = sluice.room('desk:shift')
    expect(await why(refused.ready())).toMatchObject({ code: 'forbidden', message: 'the shift is over' })
  })
})

describe('a room that is given', () => {
  test('by the token is heard, and after a lost socket what was missed comes', async ({ stage, cluster }) => {
    const { one, two } = cluster
    const ben = await stage.user(two, 'g-ben')
    await ben.ok({ type: 'publish', room: 'chat:g-ann', data: 'before' })
    const { states, added, rooms, cut } = await wired(stage, one, 'g-ann', { rooms: ['chat:{user}', 'private:g'] })
    await eventually(() => added.toSorted()).toEqual(['chat:g-ann', 'private:g'])
    const told = rooms.find(({ room }) => room.name === 'chat:g-ann')
    await ben.ok({ type: 'publish', room: 'chat:g-ann', data: 0 })
    await eventually(() => told?.data).toEqual([0])
    for (let round = 1; round <= 3; round++) {
      cut()
      await ben.ok({ type: 'publish', room: 'chat:g-ann', data: round })
      await eventually(() => states.filter(({ name }) => name === 'open').length).toBe(round + 1)
      await eventually(() => told?.data.at(-1)).toBe(round)
    }
    expect(told?.data).toEqual([0, 1, 2, 3])
    expect(told?.events.filter(([name]) => name === 'gap' || name === 'fault' || name === 'refused')).toEqual([])
    expect(told?.events.filter(([name]) => name === 'recovered').length).toBe(3)
    // The same rooms again are no further ones.
    expect(added.length).toBe(2)
    expect(rooms.find(({ room }) => room.name === 'private:g')?.room.state).toBe('joined')
  })

  test('by a service after it was refused is joined as it was asked for', async ({ stage, cluster }) => {
    const { one, two, client } = cluster
    const { sluice, added } = await wired(stage, one, 'f-ann')
    const told = record(sluice.room('private:f', { presence: true }))
    expect((await why(told.room.ready())).code).toBe('forbidden')
    expect(await api(client, 'join', { user: 'f-ann', room: 'private:f' })).toEqual({ connections: 1 })
    await eventually(() => told.room.state).toBe('joined')
    await eventually(() => told.room.members.map(({ user }) => user)).toEqual(['f-ann'])
    const ben = await stage.user(two, 'f-ben', { grants: { publish: ['private:f'] } })
    await ben.ok({ type: 'publish', room: 'private:f', data: 'hello' })
    await eventually(() => told.data).toEqual(['hello'])
    expect(added).toEqual([])
  })
})

test('case 58: a disconnect by a service ends the client for good', async ({ stage, cluster: { one, client } }) => {
  const { sluice, states, cut } = await wired(stage, one, 'd-ann', { call: ['*'] })
  const told = record(sluice.room('d-room'))
  await told.room.ready()
  expect(await api(client, 'disconnect', { user: 'd-ann', reason: 'banned' })).toEqual({ connections: 1, gateways: 1 })
  await eventually(() => sluice.state).toEqual({ name: 'closed', code: 4005, reason: 'banned' })
  cut()
  expect((await why(told.room.publish(1))).code).toBe('closed')
  expect((await why(sluice.call('any', 1))).code).toBe('closed')
  // Longer than any wait before another attempt.
  await pause(2 * QUICK.backoff.maxMs)
  expect(states.map(({ name }) => name)).toEqual(['connecting', 'open', 'closed'])
  expect(await api(client, 'disconnect', { user: 'd-ann' })).toEqual({ connections: 0, gateways: 0 })
})
