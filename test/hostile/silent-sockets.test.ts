import { Client } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { test } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

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
