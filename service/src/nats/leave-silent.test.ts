// Links that lose their server without a word, on three real servers: one is frozen, and holds what it was sent.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../../test/harness/eventually.ts'
import { recordedEvents } from '../../../test/harness/link-events.ts'
import { type ClusterNode, type NatsCluster, startNatsCluster } from '../../../test/harness/nats-cluster.ts'
import { connectLink } from './connect-link.ts'
import type { Link } from './link.ts'

let cluster: NatsCluster

beforeAll(async () => {
  cluster = await startNatsCluster()
}, 60_000)
afterAll(() => cluster[Symbol.asyncDispose]())

async function linkTo(node: ClusterNode) {
  const events = recordedEvents()
  const options = { name: 'test', need: { bytes: 1024, because: 'a test' }, random: Math.random, tls: {} }
  const link = (await connectLink({ ...options, url: [node.url] }, events, new AbortController().signal)) as Link
  return { link, events }
}

test('a frozen server is left for another within seconds, also while its buffers are full, and nothing heard is lost there', {
  timeout: 60_000,
}, async () => {
  const [frozen, other] = cluster.nodes
  const { link, events } = await linkTo(frozen)
  const { link: full, events: fullEvents } = await linkTo(frozen)
  const service = await other.connect()
  let heard = 0
  link.subscribe('here', () => heard++)
  expect(await link.confirm()).toBe(true)

  frozen.freeze()
  const frozenAt = performance.now()
  // More than the kernel takes for a peer that reads nothing: the library could never say that it has written its last byte.
  const block = Buffer.alloc(512 * 1024)
  for (let at = 0; at < 64; at++) full.publish('nowhere', block)
  for (const { log } of [events, fullEvents]) {
    await eventually(() => log, 15_000).toEqual(['silent', 'down', 'up'])
  }
  expect(performance.now() - frozenAt).toBeLessThan(12_000)
  expect(await Promise.all([link.confirm(), full.confirm()])).toEqual([true, true])
  await eventually(() => {
    service.publish('here', 'x')
    return heard
  }).toBeGreaterThan(0)

  // The one that comes back is not missed.
  frozen.thaw()
  await (await frozen.connect()).flush()
  expect(await link.confirm()).toBe(true)
  expect(events.log).toEqual(['silent', 'down', 'up'])
  await Promise.all([link.drain(), full.drain()])
})
