// An hour's worth of comings and goings in minutes, through links to NATS that break on the way: afterwards both tiers hold what they held
// before. The first cycle fills what is filled once; from then on nothing may grow. SLUICE_LEAK_CYCLES asks for more cycles than CI has.
import type { NatsConnection } from '@nats-io/transport-node'
import { createPresenceStores } from '@sluice/proto'
import { expect } from 'vitest'
import { keysOf } from '../harness/buckets.ts'
import { CHURN_SETTINGS, churn } from '../harness/churn.ts'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import { type Held, INSPECTED, Inspector } from '../harness/inspector.ts'
import type { NatsServer } from '../harness/nats.ts'
import { startNatsProxy } from '../harness/nats-proxy.ts'
import { serve } from '../harness/service.ts'
import { type Stage, test } from '../harness/stage.ts'

const CYCLES = Number(process.env.SLUICE_LEAK_CYCLES ?? 4)
const CLIENTS = 160
const WIDTH = 16
/** Rooms keep their subscription for some seconds after the last member, broken sockets their place in presence. */
const SETTLE_MS = 40_000
/** What may be more at the end than after the first cycle: code that V8 compiles late is there too. */
const HEAP_RATIO = 1.1
/**
 * With so many cycles what is remembered for two minutes is in balance, and the shards of the directory of users have been made (1024 at
 * most, kept): the end is compared with the second quarter, and may be little more.
 */
const LONG_CYCLES = 24
const LONG_RATIO = 1.04
/** Sockets of scrapes and of requests that are under way. */
const SPARE = 6
const GAUGES = ['connections', 'connections_signed_in', 'rooms', 'users', 'queue_bytes', 'nats_subscriptions']

/** What is there when nobody is: the leases of both tiers, and one subscription to hear answers of services with. */
const NOBODY = {
  connections: 0,
  connections_signed_in: 0,
  rooms: 0,
  users: 0,
  queue_bytes: 0,
  nats_subscriptions: 2,
  entries: [],
  leases: 2,
}

interface Scene {
  readonly nats: NatsServer
  readonly service: NatsConnection
  readonly gateway: GatewayProcess
  /** Breaks the links of both tiers, and waits until they are whole again. */
  cut(): Promise<void>
  /** What each tier holds after a collection, by its name. */
  held(): Promise<Record<'gateway' | 'router', Held>>
}

async function scene(stage: Stage): Promise<Scene> {
  const nats = await stage.nats()
  const link = stage.use(await startNatsProxy(nats.url))
  const behind = { ...nats, url: link.url }
  const namespaces = JSON.stringify(CHURN_SETTINGS.namespaces)
  const router = await stage.router(behind, { ...INSPECTED, SLUICE_NAMESPACES: namespaces })
  // Each client has a token of its own here: of the cache there is only what its bound allows.
  const auth = { tokenCacheEntriesMax: 50 }
  const settings = { ...CHURN_SETTINGS, auth, log: { level: 'info' } }
  const gateway = await stage.gateway(behind, { settings, env: INSPECTED, expectErrors: true })
  const looks = {
    gateway: stage.use(await Inspector.of(gateway.child)),
    router: stage.use(await Inspector.of(router.child)),
  }
  const service = await nats.connect()
  await serve(service, 'sluice.call.churn.echo', ({ data }) => data)
  await serve(service, 'sluice.authorize.>', () => JSON.stringify({ allow: true }))
  return {
    nats,
    service,
    gateway,
    async cut() {
      const made = link.connections
      link.cut()
      await eventually(() => link.connections - made, SETTLE_MS).toBeGreaterThanOrEqual(6)
      await gateway.ready(SETTLE_MS)
      await router.ready(SETTLE_MS)
    },
    held: async () => ({ gateway: await looks.gateway.held(), router: await looks.router.held() }),
  }
}

/** What is left of clients: gauges, subjects at NATS, keys, streams and their consumers. */
async function traces({ nats, service, gateway }: Scene): Promise<Record<string, unknown>> {
  const metrics = await gateway.metrics()
  const stores = createPresenceStores('sluice')
  const streams = await names(service, 'STREAM.NAMES', 'streams')
  return {
    ...Object.fromEntries(GAUGES.map((name) => [name, metrics.value(name)])),
    // The library numbers its own inboxes anew at each reconnect.
    subjects: (await nats.gatewaySubjects()).filter((subject) => !subject.startsWith('_INBOX')),
    leases: (await keysOf(service, stores.leases)).size,
    entries: [...(await keysOf(service, stores.entries)).keys()].sort(),
    streams,
    consumers: await Promise.all(streams.map((stream) => names(service, `CONSUMER.NAMES.${stream}`, 'consumers'))),
  }
}

async function names(client: NatsConnection, verb: string, of: 'streams' | 'consumers'): Promise<string[]> {
  const answer = (await client.request(`$JS.API.${verb}`)).json<Record<string, string[] | null>>()
  return [...(answer[of] ?? [])].sort()
}

const ofResources = ({ resources }: Held): number => Object.values(resources).reduce((sum, count) => sum + count, 0)
const megabytes = ({ heapBytes }: Held): string => (heapBytes / 2 ** 20).toFixed(2)

/** Compares the end with what it is to be no higher than. */
function judge(tier: string, all: readonly Held[]): void {
  const [begun, ended] = [all[0], all.at(-1)] as [Held, Held]
  console.log(
    `${tier}: heap ${all.map(megabytes).join(', ')} MB; descriptors ${begun.descriptors}, ${ended.descriptors}`,
  )
  const long = CYCLES >= LONG_CYCLES
  const base = long ? all.slice(CYCLES / 4, CYCLES / 2) : [begun]
  const baseBytes = Math.max(...base.map(({ heapBytes }) => heapBytes))
  expect.soft(ended.heapBytes / baseBytes, `the heap of the ${tier}`).toBeLessThan(long ? LONG_RATIO : HEAP_RATIO)
  expect.soft(ofResources(ended), `what the ${tier} keeps open`).toBeLessThanOrEqual(ofResources(begun) + SPARE)
  expect.soft(ended.descriptors, `files of the ${tier}`).toBeLessThanOrEqual(begun.descriptors + SPARE)
}

test('cycles of everything that clients and services do leave nothing in the processes and nothing at NATS', {
  timeout: 60_000 + CYCLES * 60_000,
}, async ({ stage }) => {
  const run = await scene(stage)
  const visitors = { gateway: run.gateway, service: run.service, clients: CLIENTS, width: WIDTH }
  const seen: Record<'gateway' | 'router', Held>[] = []
  let before: Record<string, unknown> = NOBODY
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    expect(await churn({ ...visitors, cycle: `c${cycle}` })).toBeGreaterThan(8 * CLIENTS)
    await run.cut()
    await eventually(() => traces(run), SETTLE_MS).toMatchObject(NOBODY)
    if (cycle === 0) before = await traces(run)
    else expect(await traces(run)).toEqual(before)
    seen.push(await run.held())
  }
  for (const tier of ['gateway', 'router'] as const)
    judge(
      tier,
      seen.map((held) => held[tier]),
    )
})
