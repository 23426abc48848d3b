import { createSubjects, encodeControlAnswer, type GatewayId, type Live } from '@sluice/proto'
import { Tally } from '@sluice/service/metrics/tally'
import { expect, test } from 'vitest'
import { SETTLE_MS, WINDOW_MS_MIN } from './pace.ts'
import type { GatewayLoad } from './plan.ts'
import { createRebalancer, leaderOf, loadsOf } from './rebalancer.ts'

const subjects = createSubjects('sluice')

function build({ enabled = true, answer = { connections: 50 } as object } = {}) {
  const asked: [subject: string, control: Record<string, unknown>][] = []
  const told: string[] = []
  const rebalanceMoves = new Tally()
  const world = { nowMs: 0, leads: true, loads: loads(100, 0) }
  const rebalancer = createRebalancer({
    settings: { enabled, connectionsPerSecond: 20, withinPercent: 10 },
    nats: {
      async request(subject, payload) {
        asked.push([subject, JSON.parse(Buffer.from(payload).toString())])
        return { data: Buffer.from(encodeControlAnswer(answer as never)) } as never
      },
    },
    subjects,
    loads: () => world.loads,
    leads: () => world.leads,
    nowMs: () => world.nowMs,
    onRound: ({ connections }) => told.push(`round of ${connections}`),
    onBalanced: () => told.push('balanced'),
    onFault: () => told.push('fault'),
    counters: { rebalanceMoves },
  })
  async function pass(ms: number): Promise<void> {
    for (const endsAt = world.nowMs + ms; world.nowMs < endsAt; world.nowMs += 1000) rebalancer.tick()
    await Promise.resolve()
  }
  return { rebalancer, asked, told, rebalanceMoves, world, pass }
}

function loads(...connections: number[]): GatewayLoad[] {
  return connections.map((count, at) => ({ gateway: `gw${at}` as GatewayId, state: 'up', connections: count }))
}

test('the gateway with too many is asked once what is due has settled, and not again before it has had its time', async () => {
  const { rebalancer, asked, told, rebalanceMoves, pass } = build()
  await pass(SETTLE_MS)
  expect(asked).toEqual([])
  await pass(WINDOW_MS_MIN + SETTLE_MS)
  const control = { v: 1, verb: 'move', connections: 50, windowMs: WINDOW_MS_MIN, reason: 'rebalance' }
  expect(asked).toEqual([['sluice.ctl.gateway.gw0', control]])
  expect([told, rebalanceMoves.get('asked'), rebalancer.excess]).toEqual([['round of 50'], 50, 50])
  await pass(2000)
  expect(asked).toHaveLength(2)
})

test('it is told once that all are in balance, and nobody is asked any more', async () => {
  const { rebalancer, asked, told, world, pass } = build()
  await pass(SETTLE_MS + 1000)
  world.loads = loads(52, 48)
  await pass(60_000)
  expect(asked).toHaveLength(1)
  expect([told, rebalancer.excess]).toEqual([['round of 50', 'balanced'], 0])
})

test('a gateway that is new gets its time before anyone is sent away', async () => {
  const { asked, world, pass } = build()
  world.loads = loads(100, 100)
  await pass(60_000)
  world.loads = loads(100, 100, 0)
  await pass(SETTLE_MS)
  expect(asked).toEqual([])
  await pass(2000)
  expect(asked.map(([subject]) => subject)).toEqual(['sluice.ctl.gateway.gw0', 'sluice.ctl.gateway.gw1'])
})

test('a router that does not lead asks nobody, and knows of no excess', async () => {
  const { rebalancer, asked, world, pass } = build()
  world.leads = false
  await pass(60_000)
  expect([asked, rebalancer.excess]).toEqual([[], null])
  world.leads = true
  await pass(SETTLE_MS)
  expect(asked).toEqual([])
  await pass(2000)
  expect(asked).toHaveLength(1)
})

test('it is off unless it is switched on', async () => {
  const { asked, pass } = build({ enabled: false })
  await pass(60_000)
  expect(asked).toEqual([])
})

test('a gateway of an older release that cannot move is a fault that is counted', async () => {
  const { told, rebalanceMoves, pass } = build({ answer: { connections: 0, code: 'unsupported' } })
  await pass(SETTLE_MS + 1000)
  await Promise.resolve()
  expect([told, rebalanceMoves.get('failed')]).toEqual([['round of 50', 'fault'], 50])
})

test('one of the routers that are up leads, and the same for whoever looks', () => {
  const up = (instance: string) => ({ instance, state: 'up' as const })
  const leader = leaderOf([up('a'), up('b'), up('c')])
  expect(['a', 'b', 'c']).toContain(leader)
  expect(leaderOf([up('c'), up('a'), up('b')])).toBe(leader)
  const next = leaderOf([up('a'), up('b'), up('c')].filter(({ instance }) => instance !== leader))
  expect(next).not.toBe(leader)
  expect(leaderOf([{ instance: 'a', state: 'announcing' }, up('b')])).toBe('b')
  expect(leaderOf([])).toBe(null)
})

test('a process that has taken another lease counts once, as the newer one says', () => {
  const lease = (instance: string, revision: number, connections?: number): Live => ({
    key: `gateway.${instance}`,
    tier: 'gateway',
    instance,
    revision,
    silent: false,
    value: { name: '', version: '', state: 'up', gateway: 'gw' as GatewayId, ...(connections && { connections }) },
  })
  expect(loadsOf([lease('a', 1, 70), lease('b', 2, 60)])).toEqual([{ gateway: 'gw', state: 'up', connections: 60 }])
  expect(loadsOf([lease('a', 1)])).toEqual([{ gateway: 'gw', state: 'up', connections: 0 }])
})
