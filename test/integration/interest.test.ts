// Interest of gateways among three NATS servers: a subscription that ends and begins again in quick turns must be known to the others in
// the end, or a room is deaf without anyone noticing.
import type { NatsConnection } from '@nats-io/transport-node'
import { expect } from 'vitest'
import type { Client } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { DEFAULT_SETTINGS } from '../harness/gateway.ts'
import type { NatsServer } from '../harness/nats.ts'
import { startNatsCluster } from '../harness/nats-cluster.ts'
import { test } from '../harness/stage.ts'
import { until } from '../harness/until.ts'

const ROOMS = Array.from({ length: 120 }, (_, at) => `flap-${at}`)
const ROUNDS = 2
/** An empty room keeps its subscription about so long: who comes back then meets its end. */
const LINGER_MS = { from: 3500, to: 7500 }

/** Leaves all rooms at once and joins them again spread over the time at which their subscriptions end; each joins and leaves at once thrice. */
async function flap(client: Client): Promise<void> {
  await Promise.all(ROOMS.map((room) => client.ok({ type: 'leave', room }, 20_000)))
  const leftAt = performance.now()
  for (const [at, room] of ROOMS.entries()) {
    const dueAt = leftAt + LINGER_MS.from + (at / ROOMS.length) * (LINGER_MS.to - LINGER_MS.from)
    await until(() => performance.now() >= dueAt, { timeoutMs: 20_000, everyMs: 1 })
    for (let turn = 0; turn < 3; turn++) {
      client.send({ type: 'join', id: `${room} ${turn}`, room })
      client.send({ type: 'leave', room })
    }
    client.send({ type: 'join', id: `${room} last`, room })
  }
  const answered = new Set<unknown>()
  await eventually(() => {
    for (const { type, id } of client.frames) if (type === 'ok') answered.add(id)
    return ROOMS.filter((room) => !answered.has(`${room} last`)).length
  }, 20_000).toBe(0)
}

/** Rooms in which a publish through another server is not heard, however often it is said. */
async function deafRooms(client: Client, service: NatsConnection, round: number): Promise<string[]> {
  const deaf = (): string[] => ROOMS.filter((room) => !client.dataOf(room).includes(round))
  const published = async (): Promise<boolean> => {
    for (const room of deaf()) service.publish(`sluice.room.default.${room}`, `${round}`)
    await service.flush()
    await client.settled()
    return deaf().length === 0
  }
  await until(published, { timeoutMs: 5000, everyMs: 100 }).catch(() => false)
  return deaf()
}

test('case 28: rooms that are left and joined in quick turns on one server hear what is published through the others', {
  timeout: 120_000,
}, async ({ stage }) => {
  const cluster = stage.use(await startNatsCluster())
  const [own, ...others] = cluster.nodes
  const namespaces = { default: { join: { who: 'anyone' }, publish: { who: 'anyone' } } }
  const limits = { ...DEFAULT_SETTINGS.limits, roomsMax: 1000 }
  const gateway = await stage.gateway({ url: own.url } as NatsServer, { settings: { namespaces, limits } })
  const services = await Promise.all(others.map((node) => node.connect()))
  const client = await stage.user(gateway, 'ann')
  await Promise.all(ROOMS.map((room) => client.ok({ type: 'join', room }, 20_000)))
  for (let round = 0; round < ROUNDS; round++) {
    await flap(client)
    const service = services[round % services.length] as NatsConnection
    expect(await deafRooms(client, service, round), `round ${round}`).toEqual([])
    client.frames.length = 0
  }
})
