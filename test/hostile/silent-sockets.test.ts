import { expect } from 'vitest'
import { Client, refusedUpgrade } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { test } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

test('case 54: 500 silent sockets are bounded, closed at the deadline, and cost signed-in users nothing', async ({
  stage,
}) => {
  const accept = { unauthenticatedMax: 500, unauthenticatedWaitMs: 3000 }
  const gateway = await stage.gateway(await stage.nats(), { settings: { accept } })
  const [ann, ben] = [await stage.user(gateway, 'ann'), await stage.user(gateway, 'ben')]
  await ann.join('chat:silent')
  await ben.join('chat:silent')
  const since = performance.now()
  const silent = await Promise.all(Array.from({ length: 500 }, () => stage.open(gateway)))
  expect(await refusedUpgrade(gateway.url)).toMatchObject({ status: 503 })
  expect((await gateway.metrics()).value('connections_unauthenticated')).toBe(500)
  while (silent.some(({ close }) => close === null)) {
    expect(performance.now() - since).toBeLessThan(10_000)
    const askedAt = performance.now()
    await ann.ok({ type: 'publish', room: 'chat:silent', data: 1 })
    await ben.message()
    expect(performance.now() - askedAt).toBeLessThan(1000)
  }
  expect(new Set(silent.map(({ close }) => close?.code))).toEqual(new Set([4001]))
  await eventually(async () => (await gateway.metrics()).value('connections_unauthenticated')).toBe(0)
  await stage.user(gateway, 'eve')
})

test('sockets that come and go at every moment of their life leave nothing behind', async ({ stage }) => {
  const nats = await stage.nats()
  const gateway = await stage.gateway(nats)
  const idle = await nats.gatewaySubjects()
  const tokens = await Promise.all(Array.from({ length: 10 }, (_, n) => makeToken(`user-${n}`)))
  // A fixed sequence in place of chance: each socket is ended a little later than the one before it.
  for (let wave = 0; wave < 6; wave++) {
    const clients = Array.from({ length: 50 }, (_, n) => {
      const client = stage.use(
        new Client(gateway.url, { token: tokens[n % 10] ?? '', by: n % 2 === 0 ? 'header' : 'frame' }),
      )
      client.socket.once('open', () => {
        for (let id = 1; id <= 10; id++) client.send({ id, type: 'join', room: `chat:${(n + id) % 20}` })
        client.send({ type: 'publish', room: `chat:${n % 20}`, data: n })
      })
      setTimeout(() => client.socket.terminate(), wave * 10 + n)
      return client
    })
    await Promise.all(clients.map((client) => client.closed))
  }
  const gauges = ['connections', 'connections_unauthenticated', 'rooms', 'users', 'queue_bytes']
  await eventually(async () => {
    const metrics = await gateway.metrics()
    return gauges.map((name) => metrics.value(name))
  }).toEqual(gauges.map(() => 0))
  await eventually(() => nats.gatewaySubjects(), 15_000).toEqual(idle)
  const ann = await (await stage.user(gateway, 'ann')).join('chat:1')
  await ann.ok({ type: 'publish', room: 'chat:1', data: 1 })
  await ann.message()
})
