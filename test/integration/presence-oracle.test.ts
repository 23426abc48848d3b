// The oracle of presence: whatever happens to sockets and processes, after it settles every view is the set of live sockets, and no
// watcher was ever told two joins of a member without a leave between.
import type { NatsConnection } from '@nats-io/transport-node'
import type { Client } from '../harness/client.ts'
import { type Crowd, createCrowd } from '../harness/crowd.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import type { NatsServer } from '../harness/nats.ts'
import { judgePresence, watch } from '../harness/presence-oracle.ts'
import { type Stage, test } from '../harness/stage.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const settings = { namespaces: { default: { ...open, presence: true } }, presence: { lingerMs: 1000 } }
const ROOMS = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5']

interface Scene {
  readonly stage: Stage
  readonly nats: NatsServer
  readonly service: NatsConnection
  /** The first one stays: the watcher sits on it. */
  readonly gateways: GatewayProcess[]
  readonly watcher: Client
  readonly crowd: Crowd
  start(): Promise<GatewayProcess>
  steps(count: number): Promise<void>
}

async function scene(stage: Stage, nats: NatsServer, people: number, seed: number): Promise<Scene> {
  const start = (): Promise<GatewayProcess> => stage.gateway(nats, { settings, expectErrors: true })
  const gateways = await Promise.all([start(), start(), start()])
  const watcher = await stage.user(gateways[0] as GatewayProcess, 'watcher')
  await watch(watcher, ROOMS)
  const crowd = createCrowd({ stage, people, users: people / 3, rooms: ROOMS, seed, gateways: () => gateways })
  return {
    stage,
    nats,
    service: await nats.connect(),
    gateways,
    watcher,
    crowd,
    start,
    async steps(count) {
      for (let at = 0; at < count; at += 8) await Promise.all(Array.from({ length: 8 }, () => crowd.step()))
    },
  }
}

const judge = (scene: Scene): Promise<void> => judgePresence({ ...scene, rooms: ROOMS })

test('after random joins, leaves, crashes and killed processes, presence is the set of live sockets', {
  timeout: 180_000,
}, async ({ stage }) => {
  const nats = await stage.nats()
  const [router] = await Promise.all([stage.router(nats), stage.router(nats)])
  const run = await scene(stage, nats, 240, 7)
  await run.steps(800)
  // A gateway dies and another takes its place.
  await run.gateways.splice(1, 1)[0]?.child.kill()
  await run.steps(200)
  run.gateways.push(await run.start())
  await run.steps(400)
  // A router dies and another takes its place.
  await router.child.kill()
  await run.steps(200)
  await stage.router(nats)
  await run.steps(400)
  await judge(run)
})

test('case 8: after twenty rolling restarts with churn, presence is the set of live sockets', {
  timeout: 240_000,
}, async ({ stage }) => {
  const nats = await stage.nats()
  const routers = [await stage.router(nats), await stage.router(nats)]
  const run = await scene(stage, nats, 90, 11)
  await run.steps(240)
  for (let round = 0; round < 20; round++) {
    run.gateways.splice(1, 1)[0]?.child.signal('SIGTERM')
    run.gateways.push(await run.start())
    if (round % 5 === 4) {
      routers.shift()?.child.signal('SIGTERM')
      routers.push(await stage.router(nats))
    }
    await run.steps(40)
  }
  await judge(run)
})
