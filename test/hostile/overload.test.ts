import { describe, expect } from 'vitest'
import { refusedUpgrade } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { INSPECTED, Inspector } from '../harness/inspector.ts'
import { test } from '../harness/stage.ts'
import { until } from '../harness/until.ts'

describe('a gateway that has too much to do', () => {
  test('refuses new sockets with 503 and Retry-After, keeps those it has, stays ready, and takes new ones again', async ({
    stage,
  }) => {
    const gateway = await stage.gateway(await stage.nats(), {
      settings: { overload: { eventLoopDelayMs: 300 } },
      env: INSPECTED,
    })
    const [ann, ben] = [await stage.user(gateway, 'ann'), await stage.user(gateway, 'ben')]
    await ann.join('chat:busy')
    await ben.join('chat:busy')
    const inspector = stage.use(await Inspector.of(gateway.child))
    let busy = true
    const keepBusy = (async () => {
      while (busy) await inspector.busy(600, 2)
    })()
    await gateway.logged('overloaded: new sockets are refused', 30_000)
    const refused = await refusedUpgrade(gateway.url)
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '5'])
    expect((await gateway.readyz()).status).toBe(200)
    await ann.ok({ type: 'publish', room: 'chat:busy', data: 1 }, 15_000)
    expect(await ben.message(15_000)).toMatchObject({ data: 1 })
    const metrics = await gateway.metrics()
    expect(metrics.value('overloaded')).toBe(1)
    expect(metrics.value('refusals_total', { reason: 'event_loop' })).toBeGreaterThanOrEqual(1)
    busy = false
    await keepBusy
    await gateway.logged('new sockets are taken again', 30_000)
    await stage.user(gateway, 'eve')
    expect((await gateway.metrics()).value('overloaded')).toBe(0)
    expect([ann.close, ben.close]).toEqual([null, null])
    expect(gateway.log.filter(({ msg }) => msg === 'overloaded: new sockets are refused')).toHaveLength(1)
  })

  test('is not taken for one for a single stall of three seconds', async ({ stage }) => {
    const gateway = await stage.gateway(await stage.nats(), {
      settings: { overload: { eventLoopDelayMs: 1500 } },
      env: INSPECTED,
    })
    const inspector = stage.use(await Inspector.of(gateway.child))
    await inspector.busy(3000, 1)
    await stage.user(gateway, 'ann')
    expect(gateway.log.filter(({ msg }) => msg === 'overloaded: new sockets are refused')).toEqual([])
  })
})

test('a gateway whose heap is nearly full refuses new sockets until what filled it is gone', async ({ stage }) => {
  const gateway = await stage.gateway(await stage.nats(), {
    settings: { overload: { heapPercent: 45 } },
    env: { NODE_OPTIONS: `${INSPECTED.NODE_OPTIONS} --max-old-space-size=128` },
  })
  const ann = await stage.user(gateway, 'ann')
  const inspector = stage.use(await Inspector.of(gateway.child))
  await inspector.fill(96)
  await gateway.logged('overloaded: new sockets are refused')
  expect(await refusedUpgrade(gateway.url)).toMatchObject({ status: 503, headers: { 'retry-after': '5' } })
  expect((await gateway.metrics()).value('refusals_total', { reason: 'heap' })).toBe(1)
  await ann.settled()
  await inspector.fill(0)
  await inspector.heapBytes()
  await until(() => gateway.log.some(({ msg }) => msg === 'new sockets are taken again'), { timeoutMs: 30_000 })
  await stage.user(gateway, 'eve')
  await eventually(async () => (await gateway.metrics()).value('overloaded')).toBe(0)
})
