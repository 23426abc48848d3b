// A fleet of gateways that grows under load: a router moves connections to the new ones, no faster than it may, and nothing is lost.
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { byChance, startBalancer } from '../harness/balancer.ts'
import { library, record } from '../harness/client-library.ts'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import { HISTORY_SETTINGS } from '../harness/history.ts'
import { test } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'
import { until } from '../harness/until.ts'

const CLIENTS = 200
const ROOMS = 10
const RATE = 25
const PUBLISH_EVERY_MS = 20
/** Leases and control are those of presence: a gateway without it cannot be told to move anyone. */
const namespaces = { chat: { ...HISTORY_SETTINGS.namespaces.chat, presence: true } }
const NAMESPACES = { SLUICE_NAMESPACES: JSON.stringify(namespaces) }
const REBALANCE = {
  SLUICE_ROUTER_REBALANCE_ENABLED: 'true',
  SLUICE_ROUTER_REBALANCE_CONNECTIONS_PER_SECOND: String(RATE),
}

const connectionsOf = (gateways: readonly GatewayProcess[]): Promise<number[]> =>
  Promise.all(gateways.map(async (gateway) => (await gateway.metrics()).value('connections')))

test('case 40: from two to four gateways under load connections move to within 10 % at a bounded rate, and nothing is lost', {
  timeout: 300_000,
}, async ({ stage }) => {
  const nats = await stage.nats()
  const settings = { namespaces, limits: { publishesPerSecond: 1000, publishBurst: 2000 } }
  const routers = [await stage.router(nats, { ...NAMESPACES, ...REBALANCE })]
  routers.push(await stage.router(nats, { ...NAMESPACES, ...REBALANCE }))
  const start = () => stage.gateway(nats, { settings })
  const gateways = await Promise.all([start(), start()])
  const balancer = stage.use(await startBalancer(gateways, byChance))
  const crowd = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, n) => {
      const { sluice, errors } = library(stage, balancer.url, { token: await makeToken(`user-${n}`) })
      const told = record(sluice.room(`chat:room-${n % ROOMS}`))
      await told.room.ready()
      return { told, errors }
    }),
  )
  const publisher = library(stage, balancer.url, { token: await makeToken('publisher') })
  const published = Array.from({ length: ROOMS }, (): number[] => [])
  let publishing = true
  const work = (async () => {
    for (let n = 0; publishing; n++) {
      await publisher.sluice.room(`chat:room-${n % ROOMS}`).publish(n)
      await pause(PUBLISH_EVERY_MS)
      published[n % ROOMS]?.push(n)
    }
  })()

  const seen = balancer.times.length
  gateways.push(...(await Promise.all([start(), start()])))
  balancer.targets.push(...gateways.slice(2))
  const total = CLIENTS + 1
  await until(
    async () => {
      const counts = await connectionsOf(gateways)
      const sum = counts.reduce((all, count) => all + count, 0)
      return sum === total && counts.every((count) => Math.abs(count - total / 4) <= Math.max(5, total / 40))
    },
    { timeoutMs: 240_000, everyMs: 250, what: 'four gateways in balance' },
  )
  // Balance is a place to stay: the round that is under way ends, and no further one begins.
  const excess = async () => {
    const told = await Promise.all(routers.map((router) => router.metrics()))
    return told.reduce((sum, metrics) => sum + metrics.sum('rebalance_excess_connections'), 0)
  }
  await eventually(excess, 60_000).toBe(0)
  const told = await Promise.all(routers.map((router) => router.metrics()))
  const moved = told.reduce((sum, metrics) => sum + metrics.value('rebalance_moves_total', { result: 'asked' }), 0)
  expect(moved).toBeGreaterThanOrEqual(CLIENTS / 2 - 10)
  publishing = false
  await work

  const made = balancer.times.slice(seen)
  // One connection for each move, and those that came late and were closed.
  expect(made.length).toBeLessThanOrEqual(moved * 1.2 + 10)
  const busiest = Math.max(...made.map((time) => made.filter((one) => one >= time && one < time + 3000).length))
  expect(busiest).toBeLessThanOrEqual(RATE * 3 * 1.5)
  for (const { told, errors } of crowd) {
    const room = published[crowd.findIndex((one) => one.told === told) % ROOMS] as number[]
    await eventually(() => told.data.length, 15_000).toBe(room.length)
    expect(told.data).toEqual(room)
    expect([errors, told.events.filter(([name]) => name === 'gap' || name === 'fault')]).toEqual([[], []])
  }
})
