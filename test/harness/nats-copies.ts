// What a message costs NATS: copies in and out of each gateway, by the server's own count. For the test of that rule and the benchmark.
import { Client } from './client.ts'
import { type GatewayProcess, startGateway } from './gateway.ts'
import { type NatsServer, startNats } from './nats.ts'
import { makeToken } from './tokens.ts'
import { until } from './until.ts'
import type { Use } from './use.ts'

/** Messages that a gateway has sent to NATS and got from it. */
export interface Copies {
  readonly sent: number
  readonly got: number
}

/** What so many messages have cost: gateways one and two have members, three has the publisher. */
export interface CountedCopies {
  readonly messages: number
  readonly spent: readonly Copies[]
  /** Deliveries of gateway one, and publishes of gateway three, by their metrics. */
  readonly deliveries: number
  readonly publishes: number
}

const ROOM = 'chat:cheap'
/** Members on each of two gateways. */
const MEMBERS = 10

/** Counts of each gateway, by the order in which they connected. */
export async function copiesOf(nats: NatsServer): Promise<Copies[]> {
  const connections = await nats.gatewayConnections()
  return connections.sort((a, b) => a.cid - b.cid).map(({ in_msgs, out_msgs }) => ({ sent: in_msgs, got: out_msgs }))
}

/** Publishes messages through one gateway to members on two others, and counts. */
export async function countCopies(use: Use, messages: number): Promise<CountedCopies> {
  const nats = use(await startNats())
  // Probes are traffic too.
  const settings = { readiness: { probeMs: 600_000, graceMs: 3_600_000 } }
  const start = async (): Promise<GatewayProcess> => use(await startGateway(nats.url, { settings }))
  // One after the other: the server's numbers of their connections tell them apart.
  const [one, two, three] = [await start(), await start(), await start()]
  const enter = async ({ url }: GatewayProcess, user: string): Promise<Client> => {
    const client = await use(new Client(url, { token: await makeToken(user) })).opened()
    await client.welcome()
    return client
  }
  const members = await Promise.all(
    Array.from({ length: 2 * MEMBERS }, async (_, n) => (await enter(n < MEMBERS ? one : two, 'ann')).join(ROOM)),
  )
  const outside = await enter(three, 'eve')
  const before = await copiesOf(nats)
  for (let n = 0; n < messages; n++) await outside.ok({ type: 'publish', room: ROOM, data: n })
  await until(() => members.every((member) => member.dataOf(ROOM).length >= messages), { what: 'all deliveries' })
  const after = await copiesOf(nats)
  const spent = after.map(({ sent, got }, at) => ({
    sent: sent - (before[at]?.sent ?? 0),
    got: got - (before[at]?.got ?? 0),
  }))
  return {
    messages,
    spent,
    deliveries: (await one.metrics()).value('deliveries_total'),
    publishes: (await three.metrics()).value('publishes_total', { kind: 'room' }),
  }
}
