// Bounds of presence over two tiers: how many connections a user may have in the whole cluster, and how a room is told that has more
// members than a frame should list.
import type { NatsConnection } from '@nats-io/transport-node'
import { describe, expect } from 'vitest'
import type { Client } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import { type Stage, test } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const SETTINGS = { namespaces: { default: { ...open, presence: true } }, presence: { lingerMs: 1000 } }
const BURST = 24
const LIMIT = 4
/** The promise: within a second of any burst. */
const SETTLED_MS = 1000
/** A room is told by counts and a sample above 1000, and a sample is 100 [P-15.7]. */
const CROWD = 1040
const SAMPLE = 100

interface Cluster {
  readonly service: NatsConnection
  readonly gateways: readonly GatewayProcess[]
}

async function cluster(stage: Stage, env: NodeJS.ProcessEnv = {}): Promise<Cluster> {
  const nats = await stage.nats()
  await Promise.all([stage.router(nats, env), stage.router(nats, env)])
  const gateways = await Promise.all([1, 2, 3].map(() => stage.gateway(nats, { settings: SETTINGS })))
  return { service: await nats.connect(), gateways }
}

const gatewayOf = ({ gateways }: Cluster, n: number): GatewayProcess => gateways[n % gateways.length] as GatewayProcess

async function ask({ service }: Cluster, verb: string, request: object): Promise<Record<string, unknown>> {
  return (await service.request(`sluice.api.${verb}`, JSON.stringify(request), { timeout: 2000 })).json()
}

describe('a burst of connections of one user on three gateways', () => {
  for (const closes of ['oldest', 'newest'] as const) {
    test(`is back at the limit within a second, the ${closes} closed with 4030, and stays there`, async ({ stage }) => {
      const all = await cluster(stage, {
        SLUICE_ACCEPT_USER_CONNECTIONS_MAX: String(LIMIT),
        SLUICE_ACCEPT_USER_CONNECTIONS_CLOSE: closes,
      })
      const token = await makeToken('ann')
      // One after the other without a pause, so that the test knows who is old.
      const clients: Client[] = []
      for (let n = 0; n < BURST; n++) {
        const client = await stage.open(gatewayOf(all, n), { token })
        await client.welcome()
        clients.push(client)
      }
      const began = performance.now()
      const losers = closes === 'oldest' ? clients.slice(0, BURST - LIMIT) : clients.slice(LIMIT)
      const keepers = clients.filter((client) => !losers.includes(client))
      for (const loser of losers) expect(await loser.closed).toMatchObject({ code: 4030 })
      expect(performance.now() - began).toBeLessThan(SETTLED_MS)
      await eventually(() => ask(all, 'user', { user: 'ann' })).toMatchObject({ connections: LIMIT })
      // A second judgement, of whichever router, chooses nobody else.
      await (await stage.user(gatewayOf(all, 0), 'ben')).settled()
      await eventually(() => ask(all, 'user', { user: 'ben' })).toMatchObject({ connections: 1 })
      for (const keeper of keepers) await keeper.settled()
    })
  }
})

test('a room above a thousand members is told by its count and a sample, on every gateway, and again as it changes', {
  timeout: 120_000,
}, async ({ stage }) => {
  const all = await cluster(stage)
  const crowd: Client[] = []
  for (let at = 0; at < CROWD; at += 40) {
    const some = Array.from({ length: 40 }, async (_, n) =>
      (await stage.user(gatewayOf(all, at + n), `user-${at + n}`)).join('big'),
    )
    crowd.push(...(await Promise.all(some)))
  }
  await eventually(() => ask(all, 'count', { rooms: ['big'] }), 15_000).toMatchObject({
    counts: { big: { members: CROWD } },
  })
  for (const n of [0, 1, 2]) {
    const watcher = await stage.user(gatewayOf(all, n), `watcher-${n}`)
    const shown = await watcher.ok({ type: 'join', room: 'big', presence: true })
    expect(shown.count).toBeGreaterThanOrEqual(CROWD)
    expect(shown.members).toHaveLength(SAMPLE)
    crowd[n]?.send({ id: 'left', type: 'leave', room: 'big' })
    const told = await watcher.next(({ type }) => type === 'members', 10_000)
    expect(told).toMatchObject({ room: 'big', count: expect.any(Number) })
    expect(told.members).toHaveLength(SAMPLE)
    expect(watcher.frames.filter(({ type }) => type === 'joined' || type === 'left')).toEqual([])
  }
})
