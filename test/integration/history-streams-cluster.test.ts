// The streams of history on three servers: that elections, with looks in their midst, are never taken for a lost end, and that routers
// which start at once agree. Leaders step down and die under traffic.
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { createHistoryStores, createSubjects, GENERATION_METADATA } from '@sluice/proto'
import { configFromTables } from '@sluice/service/config/load-from-tables'
import { Tally } from '@sluice/service/metrics/tally'
import { expect } from 'vitest'
import { routerConfig } from '../../router/src/config/router-config.ts'
import { keepHistory } from '../../router/src/history/keep-history.ts'
import { eventually } from '../harness/eventually.ts'
import { openLink } from '../harness/links.ts'
import { type NatsCluster, startNatsCluster } from '../harness/nats-cluster.ts'
import { type Stage, test } from '../harness/stage.ts'

const { stream } = createHistoryStores().room('chat')
const room = createSubjects('sluice').publishRoom({ namespace: 'chat', local: 'lobby' })
const namespaces = { chat: { history: { messages: 1000, seconds: 3600 } } }

/** What a router keeps, on a server of its own. */
async function keeper(stage: Stage, url: string) {
  const counters = { stores: new Tally(), historyRollbacks: 0 }
  const warnings: object[] = []
  const nats = stage.use(await openLink(url))
  const kept = keepHistory({
    nats,
    config: configFromTables(routerConfig, {}, { '/config.json': { namespaces, router: { replicas: 3 } } }),
    log: { info: () => undefined, warn: (fields: object) => void warnings.push(fields) } as never,
    throttle: () => null,
    counters,
    newGeneration: randomUUID,
    random: Math.random,
    pause,
  })
  stage.use({ [Symbol.asyncDispose]: async () => kept.stop() })
  return { kept, counters, warnings }
}

interface Info {
  readonly config: { readonly num_replicas: number; readonly metadata: Readonly<Record<string, string>> }
  readonly state: { readonly last_seq: number }
}

const infoOf = async (cluster: NatsCluster): Promise<Info> => (await cluster.api(`STREAM.INFO.${stream}`, {})) as Info

test('a change of leader under traffic is no lost end, however often routers look', { timeout: 180_000 }, async ({
  stage,
}) => {
  const cluster = stage.use(await startNatsCluster())
  const keepers = await Promise.all(cluster.nodes.map(({ url }) => keeper(stage, url)))
  for (const { kept } of keepers) await eventually(() => kept.made, 30_000).toBe(true)
  expect(keepers.reduce((sum, { counters }) => sum + counters.stores.get('created'), 0)).toBe(1)
  const { config } = await infoOf(cluster)
  expect(config.num_replicas).toBe(3)

  const clients = await Promise.all(cluster.nodes.map((node) => node.connect({ maxReconnectAttempts: -1 })))
  let running = true
  const traffic = clients.map(async (client) => {
    while (running) await client.request(room, '1', { timeout: 500 }).catch(() => pause(20))
  })
  const looking = keepers.map(async ({ kept }) => {
    while (running) {
      await Promise.race([kept.check(), pause(500)])
      await pause(5)
    }
  })
  for (let times = 0; times < 5; times++) await cluster.stepDown(stream)
  const leader = await cluster.leaderOf(stream)
  await leader.kill()
  await cluster.leaderOf(stream)
  await leader.start()
  await cluster.stepDown(stream)
  running = false
  await Promise.all([...traffic, ...looking])

  const after = await infoOf(cluster)
  expect(after.config.metadata[GENERATION_METADATA]).toBe(config.metadata[GENERATION_METADATA])
  expect(keepers.map(({ counters }) => counters.historyRollbacks)).toEqual([0, 0, 0])
})
