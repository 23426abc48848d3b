// A rolling restart of everything, container by container, while our client library publishes and hears: the tiers as a rollout of Kubernetes
// does it, NATS as its operators do it. The judges: nothing lost, nothing doubled, nobody seen to come or go, no socket without a successor.
import { expect } from 'vitest'
import { until } from '../harness/until.ts'
import { testWithContainers } from './containers.ts'
import { startFlocks } from './flock.ts'
import { replaceGateways, replaceRouters } from './rollout.ts'

const test = testWithContainers()

/** Clients while everything is replaced; `SLUICE_ROLLING_CLIENTS=2000` is the long form. */
const CLIENTS = Number(process.env.SLUICE_ROLLING_CLIENTS ?? 20)
const LIMIT_MS = 240_000 + 150 * CLIENTS

test('routers and gateways are replaced one by one: all is stored and heard, nobody is seen to go', {
  timeout: LIMIT_MS,
}, async ({ stage, cluster }) => {
  const flock = await startFlocks({ stage, room: 'chat:rollout', size: CLIENTS, gateways: () => cluster.gateways })
  await replaceRouters(cluster)
  await replaceGateways(cluster)
  const { published, acknowledged, stored, refusals } = await flock.judge()
  console.log(`rollout: ${CLIENTS} clients, ${published} published, ${acknowledged} acknowledged, ${stored} stored`)
  expect([refusals, stored]).toEqual([[], published])
  expect(flock.flaps).toEqual([])
  expect(flock.interruptions.filter((state) => state !== 'open')).toEqual([])
})

test('NATS servers are stopped as lame ducks and started again one by one: all that is acknowledged is heard, nobody is seen to go', {
  timeout: LIMIT_MS,
}, async ({ stage, cluster }) => {
  const flock = await startFlocks({ stage, room: 'chat:lame-ducks', size: CLIENTS, gateways: () => cluster.gateways })
  for (const server of cluster.nats) {
    // As `nats-server --signal ldm` does it: it tells its clients to go, and ends when they have gone.
    await server.signal('SIGUSR2')
    await until(async () => !(await server.running()), { timeoutMs: 60_000, what: `the end of ${server.name}` })
    await server.start()
    await server.healthy()
  }
  const heard = flock.heard
  await until(() => flock.heard > heard + 100, { timeoutMs: 30_000, what: 'a flock that is heard' })
  const { published, acknowledged, stored, refusals } = await flock.judge()
  console.log(
    `lame ducks: ${CLIENTS} clients, ${published} published, ${acknowledged} acknowledged, ${stored} stored`,
    refusals,
  )
  // A history without a leader for longer than 10 s refuses, so that the publisher knows.
  expect(refusals.length).toBeLessThan(published / 100)
  expect(flock.flaps).toEqual([])
  expect(flock.interruptions.filter((state) => state !== 'open')).toEqual([])
})
