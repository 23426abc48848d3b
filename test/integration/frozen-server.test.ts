// One of three NATS servers stands still without closing a connection, as a machine that hangs does. What hangs on it moves to the others
// before any lease ends, so that nobody is shown as gone. SLUICE_FROZEN_ROLES=all freezes a follower as well.
import { createPresenceStores } from '@sluice/proto'
import { describe, expect } from 'vitest'
import type { Client, Frame } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import type { NatsServer } from '../harness/nats.ts'
import { type ClusterNode, startNatsCluster } from '../harness/nats-cluster.ts'
import { type Stage, test } from '../harness/stage.ts'
import { until } from '../harness/until.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const namespaces = {
  default: { ...open, presence: true },
  chat: { ...open, presence: true, history: { messages: 1000, seconds: 3600 } },
}
const ROOMS = ['hall', 'chat:hall']
const { stream: LEASES } = createPresenceStores('sluice').leases
/** Within it a lease ends, and those that judge it have said so. */
const LEASE_OVER_MS = 14_000
/** Publishes of those on the frozen server go on within this; a machine under tests may be three times slower than one of its own. */
const MOVED_MS = 12_000
const START_MS = 30_000
/** The leader of the leases is the harder case: others must be elected before anyone can renew. */
const ROLES = process.env.SLUICE_FROZEN_ROLES === 'all' ? (['follower', 'leader'] as const) : (['leader'] as const)

async function people(stage: Stage, gateway: GatewayProcess, name: string): Promise<Client[]> {
  const clients = await Promise.all([0, 1, 2].map((at) => stage.user(gateway, `${name}${at}`)))
  for (const client of clients) {
    for (const room of ROOMS) await client.ok({ type: 'join', room, presence: true }, START_MS)
  }
  return clients
}

function seen(clients: readonly Client[]): Frame[] {
  return clients.flatMap(({ frames }) => frames.filter(({ type }) => type === 'left'))
}

/** Publishes until it is taken, and tells how long that took; what is refused meanwhile says so with a code that clients know. */
async function untilTaken(client: Client, room: string): Promise<number> {
  const before = performance.now()
  await until(
    async () => {
      const answer = await client.request({ type: 'publish', room, data: 'on' }, START_MS)
      if (answer.type !== 'ok') expect(['unavailable', 'timeout']).toContain(answer.code)
      return answer.type === 'ok'
    },
    { timeoutMs: START_MS, what: `a publish to ${room}` },
  )
  return performance.now() - before
}

describe.each(ROLES)('the %s of the leases freezes', (role) => {
  test('no user leaves, and publishes go on within seconds, live and stored', {
    timeout: 150_000,
  }, async ({ stage }) => {
    const cluster = stage.use(await startNatsCluster())
    const at = ({ url }: ClusterNode) => ({ url }) as NatsServer
    const replicas = { SLUICE_NAMESPACES: JSON.stringify(namespaces), SLUICE_ROUTER_REPLICAS: '3' }
    await Promise.all([0, 1].map((n) => stage.router(at(cluster.nodes[n] as ClusterNode), replicas)))
    const leader = await cluster.leaderOf(LEASES)
    const followers = await cluster.followersOf(LEASES)
    const frozen = role === 'leader' ? leader : (followers[0] as ClusterNode)
    const sound = cluster.nodes.find((node) => node !== frozen) as ClusterNode
    const [hanging, safe] = await Promise.all([
      stage.gateway(at(frozen), { settings: { namespaces }, expectErrors: true }),
      stage.gateway(at(sound), { settings: { namespaces }, expectErrors: true }),
    ])
    const [cut, watchers] = [await people(stage, hanging, 'cut'), await people(stage, safe, 'safe')]
    // Everyone knows of everyone before anything happens.
    for (const { frames } of cut) {
      const joined = (): number => frames.filter(({ type }) => type === 'joined').length
      await eventually(joined, START_MS).toBeGreaterThanOrEqual(ROOMS.length * watchers.length)
    }

    frozen.freeze()
    const frozenAt = performance.now()
    const taken = await Promise.all(ROOMS.map((room) => untilTaken(cut[0] as Client, room)))
    console.log(`publishes of those on a frozen ${role} were taken after ${taken.map(Math.round).join(' and ')} ms`)
    expect(Math.max(...taken)).toBeLessThan(MOVED_MS)
    await until(() => performance.now() - frozenAt > LEASE_OVER_MS, { timeoutMs: 2 * LEASE_OVER_MS })

    expect(seen([...cut, ...watchers])).toEqual([])
    for (const client of [...cut, ...watchers]) expect(client.close).toBeNull()
    for (const room of ROOMS) {
      await (cut[0] as Client).ok({ type: 'publish', room, data: 'after' }, START_MS)
      for (const client of [...cut, ...watchers]) await eventually(() => client.dataOf(room)).toContain('after')
    }
    const metrics = await hanging.metrics()
    expect(metrics.value('nats_connected')).toBe(1)
  })
})
