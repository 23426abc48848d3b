// Containers that die, freeze and are cut off, while a crowd comes and goes and a flock publishes. The judges: presence equals the sockets
// that live, and what was acknowledged is stored once and heard by all, in one order.
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { createCrowd } from '../harness/crowd.ts'
import { eventually } from '../harness/eventually.ts'
import { judgePresence, watch } from '../harness/presence-oracle.ts'
import type { Stage } from '../harness/stage.ts'
import { until } from '../harness/until.ts'
import type { ContainerCluster, GatewayContainer } from './cluster.ts'
import type { Container } from './container.ts'
import { testWithContainers } from './containers.ts'
import { type Flock, startFlock } from './flock.ts'

const test = testWithContainers()
const STREAM = 'SLUICE_HISTORY_chat'
/** Longer than a lease lasts: the others declare the silent one dead. */
const LEASE_OVER_MS = 14_000
const STEPS_AT_ONCE = 6
/** A link that hangs on a silent server is given up after up to 30 s; what is under way then is tried for 10 s. */
const HEARD_MS = 70_000

interface Load {
  readonly flock: Flock
  /** Ends the load and judges it; so much of what was published must have been acknowledged, or little was under load. */
  judge(acknowledgedShare: number): Promise<void>
}

/** Starts a crowd and a flock. The watcher sits on the first gateway, which is spared. */
async function load(stage: Stage, cluster: ContainerCluster, name: string): Promise<Load> {
  const rooms = [0, 1, 2, 3].map((n) => `${name}${n}`)
  const gateways = (): readonly GatewayContainer[] => cluster.gateways
  const watcher = await stage.user(cluster.gateways[0] as GatewayContainer, 'watcher')
  await watch(watcher, rooms)
  const crowd = createCrowd({ stage, people: 75, users: 25, rooms, seed: 5, gateways })
  let running = true
  const work = Array.from({ length: STEPS_AT_ONCE }, async () => {
    for (; running; await pause(20)) await crowd.step()
  })
  const flock = await startFlock({ stage, room: `chat:${name}`, size: 15, gateways })
  await until(() => crowd.live > 40, { timeoutMs: 30_000, what: 'the crowd' })
  return {
    flock,
    async judge(acknowledgedShare) {
      running = false
      await Promise.all(work)
      const { published, acknowledged, stored } = await flock.judge()
      console.log(
        `${name}: ${published} published, ${acknowledged} acknowledged, ${stored} stored, ${crowd.live} in the crowd`,
      )
      expect(acknowledged).toBeGreaterThan(published * acknowledgedShare)
      await judgePresence({ service: cluster.service, crowd, rooms, watcher })
    },
  }
}

/** Waits until everyone has heard what was published from now on for a while: the flock lives. */
async function flows(flock: Flock): Promise<void> {
  const wanted = flock.heard + 100
  await until(() => flock.heard >= wanted, { timeoutMs: HEARD_MS, what: 'a flock that is heard' })
}

/** Takes one out for good; clients are not sent to it any more. */
function takeOut<item>(list: item[], at: number): item {
  return list.splice(at, 1)[0] as item
}

/** Longer than a lease lasts, and whole again whatever happens. */
async function freeze(container: Container): Promise<void> {
  await container.pause()
  await pause(LEASE_OVER_MS).finally(() => container.resume())
}

/** The same for its network. */
async function cutOff(container: Container): Promise<void> {
  await container.cut()
  await pause(LEASE_OVER_MS).finally(() => container.mend())
}

test('a gateway, a router and the NATS server that leads a history are killed: nothing is lost, and nobody is seen to go', {
  timeout: 180_000,
}, async ({ stage, cluster }) => {
  const run = await load(stage, cluster, 'killed')
  await flows(run.flock)
  await takeOut(cluster.gateways, 1).kill()
  await flows(run.flock)
  cluster.gateways.push(await cluster.startGateway())
  await takeOut(cluster.routers, 0).kill()
  await flows(run.flock)
  cluster.routers.push(await cluster.startRouter())
  const leader = await cluster.leaderOf(STREAM)
  await leader.kill()
  await flows(run.flock)
  await leader.start()
  await leader.healthy()
  await flows(run.flock)
  await run.judge(0.9)
  expect(run.flock.flaps).toEqual([])
})

test.for([
  { how: 'frozen', act: freeze },
  { how: 'cut off', act: cutOff },
])(
  'a gateway, a router and the NATS server that leads a history are $how at once, for longer than a lease: all is as it was when they are back',
  {
    timeout: 240_000,
  },
  async ({ how, act }, { stage, cluster }) => {
    const run = await load(stage, cluster, how.replace(' ', '-'))
    await flows(run.flock)
    const gateway = takeOut(cluster.gateways, 1)
    await Promise.all([act(gateway), act(cluster.routers[0] as Container)])
    await gateway.ready()
    const lost = async (): Promise<number> => (await gateway.metrics()).value('presence_leases_lost_total')
    await eventually(lost, 60_000).toBeGreaterThan(0)
    cluster.gateways.push(gateway)
    await flows(run.flock)
    const leader = await cluster.leaderOf(STREAM)
    await act(leader)
    await leader.healthy()
    await flows(run.flock)
    // Gateways that hang on the silent server leave it after some five seconds; publishes without an answer are told so.
    await run.judge(0.25)
  },
)
