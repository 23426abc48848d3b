// Gateways and routers as process 1 of a container: how they say that they live, and how they end.
import { describe, expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { testWithContainers } from './containers.ts'

const test = testWithContainers({ gateways: 1, routers: 1 })

describe('process 1', () => {
  test('is healthy by its own check, in a gateway and in a router', async ({ cluster }) => {
    const containers = [...cluster.gateways, ...cluster.routers]
    for (const container of containers) await eventually(() => container.health(), 60_000).toBe('healthy')
  })

  test('drains when it is stopped, and ends with 0: first the gateway, then the router', async ({ stage, cluster }) => {
    const [gateway] = cluster.gateways
    const [router] = cluster.routers
    if (gateway === undefined || router === undefined) throw new Error('the cluster is not whole')
    const ann = await stage.user(gateway, 'ann')
    const stopping = gateway.stop()
    expect(await ann.next(({ type }) => type === 'move', 10_000)).toMatchObject({ reason: 'service restart' })
    expect(await ann.closed).toMatchObject({ code: 1012 })
    expect(await stopping).toBe(0)
    expect(await router.stop()).toBe(0)
    for (const container of [gateway, router]) {
      expect((await container.lines()).filter((line) => line.includes('"drained"'))).toHaveLength(1)
    }
  })
})
