import { describe, expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import { test } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

/** What a gateway without clients must have left. */
const EMPTY = {
  connections: 0,
  connections_signed_in: 0,
  connections_unauthenticated: 0,
  rooms: 0,
  users: 0,
  queue_bytes: 0,
  nats_subscriptions: 1,
}

/** An empty room keeps its subscription for some seconds. */
const LINGER_MS = 15_000

async function gaugesOf(gateway: GatewayProcess): Promise<Record<string, number>> {
  const metrics = await gateway.metrics()
  return Object.fromEntries(Object.keys(EMPTY).map((name) => [name, metrics.value(name)]))
}

describe('a close', () => {
  test('takes rooms, subscriptions and gauges back to zero, at NATS too', async ({ stage }) => {
    const nats = await stage.nats()
    const [one, two] = [await stage.gateway(nats), await stage.gateway(nats)]
    const idle = await nats.gatewaySubjects()
    const clients = await Promise.all(
      Array.from({ length: 10 }, async (_, n) => {
        const client = await stage.user(n % 2 === 0 ? one : two, `user-${n % 3}`)
        for (const room of ['chat:all', `chat:own-${n}`, `lobby-${n % 4}`]) await client.join(room)
        return client
      }),
    )
    expect(await gaugesOf(one)).toMatchObject({ connections: 5, connections_signed_in: 5, rooms: 8, users: 3 })
    const subjects = await nats.gatewaySubjects()
    expect(subjects).toContain('sluice.room.chat.all')
    expect(subjects).toContain('sluice.user.user-0')

    await Promise.all(clients.slice(0, 5).map((client) => client.leave()))
    for (const client of clients.slice(5)) client.socket.terminate()
    for (const gateway of [one, two]) await eventually(() => gaugesOf(gateway), LINGER_MS).toEqual(EMPTY)
    expect(await nats.gatewaySubjects()).toEqual(idle)
    const closes = (await one.metrics()).sum('closes_total')
    expect(closes).toBe(5)
  })

  test('case 46: during a join that NATS has not confirmed leaves nothing behind', async ({ stage }) => {
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats)
    const idle = await nats.gatewaySubjects()
    const client = await stage.user(gateway, 'ann')
    const late = await stage.open(gateway)
    nats.freeze()
    for (let n = 1; n <= 20; n++) client.send({ id: n, type: 'join', room: `chat:pending-${n}` })
    late.send({ type: 'auth', token: await makeToken('ben') })
    await eventually(async () => (await gateway.metrics()).value('nats_subscriptions')).toBeGreaterThanOrEqual(22)
    client.socket.terminate()
    late.socket.terminate()
    await eventually(async () => (await gateway.metrics()).value('connections')).toBe(0)
    nats.thaw()
    await eventually(() => gaugesOf(gateway), LINGER_MS).toEqual(EMPTY)
    expect(await nats.gatewaySubjects()).toEqual(idle)
  })

  test('and a new join of the same room in quick succession keep it heard', async ({ stage }) => {
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats)
    const service = await nats.connect()
    for (let n = 0; n < 20; n++) {
      const client = await (await stage.user(gateway, 'ann')).join('chat:flap')
      await client.ok({ type: 'leave', room: 'chat:flap' })
      await client.join('chat:flap')
      service.publish('sluice.room.chat.flap', `${n}`)
      expect((await client.message()).data).toBe(n)
      client.socket.terminate()
    }
  })
})
