import { createPresenceStores, decodeLease, encodeLease, type Instance, leaseKey } from '@sluice/proto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keysOf, makeBuckets } from '../../../test/harness/buckets.ts'
import { openLink } from '../../../test/harness/links.ts'
import { type NatsServer, startNats } from '../../../test/harness/nats.ts'
import type { Link } from '../nats/link.ts'
import { type Fleet, joinFleet } from './fleet.ts'
import { writeKey } from './key-write.ts'

const { leases } = createPresenceStores()

let nats: NatsServer
const ends: (() => PromiseLike<unknown>)[] = []
/** Time in which the process stood still. */
let sleptMs: number

beforeEach(async () => {
  sleptMs = 0
  nats = await startNats()
  await makeBuckets(await nats.connect())
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await Promise.resolve(end()).catch(() => undefined)
  await nats[Symbol.asyncDispose]()
})

async function join(name: string): Promise<{ fleet: Fleet; link: Link; lost: string[] }> {
  const link = await openLink(nats.url, name)
  ends.push(() => link[Symbol.asyncDispose]())
  const lost: string[] = []
  let count = 0
  const fleet = joinFleet({
    control: link,
    reads: link,
    leases,
    tier: 'gateway',
    verdict: 'judged',
    describe: () => ({ name, version: '1' }),
    newInstance: (): Instance => `${name}-${++count}`,
    nowMs: () => performance.now() + sleptMs,
    onChange: () => undefined,
    onLoaded: () => undefined,
    onStartOver: () => undefined,
    onLost: (was) => lost.push(was),
    onSkipped: () => undefined,
    onRetry: () => undefined,
  })
  ends.push(() => fleet.leave())
  await vi.waitFor(() => expect(fleet.renewedAt).not.toBe(null))
  return { fleet, link, lost }
}

const seen = ({ liveness }: Fleet): string[] =>
  liveness.live('gateway').map(({ instance, value }) => `${instance} ${value.state}`)

test('processes see each other’s leases and states', async () => {
  const { fleet: one } = await join('one')
  const { fleet: two } = await join('two')
  await vi.waitFor(() => expect(seen(one)).toEqual(['one-1 announcing', 'two-1 announcing']))
  await two.setState('up')
  await vi.waitFor(() => expect(seen(one)).toEqual(['one-1 announcing', 'two-1 up']))
  await two.setState('draining')
  await vi.waitFor(() => expect([...one.liveness.draining]).toEqual(['two-1']))
  await two.leave()
  await vi.waitFor(() => expect(seen(one)).toEqual(['one-1 announcing']))
  expect(await keysOf(await nats.connect(), leases)).toHaveLength(1)
})

test('who finds `dead` at its own key goes on under a new instance, which adopts the one that was up', async () => {
  const { fleet, link, lost } = await join('one')
  await fleet.setState('up')
  const dead = encodeLease({ name: 'one', version: '1', state: 'dead' })
  await writeKey(link, { subject: leases.subject(leaseKey('gateway', 'one-1')), value: new TextEncoder().encode(dead) })
  await vi.waitFor(() => expect(lost).toEqual(['one-1']), { timeout: 5000 })
  await vi.waitFor(() => expect(fleet.renewedAt).not.toBe(null), { timeout: 5000 })
  expect(fleet.instance).toBe('one-2')
  const keys = await keysOf(await nats.connect(), leases)
  const value = decodeLease(new TextEncoder().encode(JSON.stringify(keys.get('gateway.one-2'))))
  expect(value).toMatchObject({ state: 'announcing', adopts: 'one-1' })
})

test('who finds it after its time is over adopts nothing: the others have seen its users leave', async () => {
  const { fleet, link, lost } = await join('one')
  await fleet.setState('up')
  const dead = encodeLease({ name: 'one', version: '1', state: 'dead' })
  await writeKey(link, { subject: leases.subject(leaseKey('gateway', 'one-1')), value: new TextEncoder().encode(dead) })
  sleptMs = 11_000
  await vi.waitFor(() => expect(lost).toEqual(['one-1']), { timeout: 5000 })
  await vi.waitFor(() => expect(fleet.renewedAt).not.toBe(null), { timeout: 5000 })
  const keys = await keysOf(await nats.connect(), leases)
  const value = decodeLease(new TextEncoder().encode(JSON.stringify(keys.get('gateway.one-2'))))
  expect(value).toMatchObject({ state: 'announcing' })
  expect(value).not.toHaveProperty('adopts')
})

test('a lease whose renewals stop is dead for the others within 12.5 s, and a living one is not', {
  timeout: 30_000,
}, async () => {
  const { fleet: one } = await join('one')
  await join('two')
  // A lease that nobody renews.
  const link = await openLink(nats.url, 'silent')
  ends.push(() => link[Symbol.asyncDispose]())
  const value = new TextEncoder().encode(encodeLease({ name: 'silent', version: '1', state: 'up' }))
  await writeKey(link, { subject: leases.subject(leaseKey('gateway', 'silent-1')), value })
  await vi.waitFor(() => expect(one.liveness.countsAs('silent-1')).toBe('silent-1'))
  const startedAt = performance.now()
  await vi.waitFor(() => expect(one.liveness.countsAs('silent-1')).toBe(null), { timeout: 13_000, interval: 50 })
  expect(performance.now() - startedAt).toBeGreaterThan(9000)
  expect(one.liveness.countsAs('two-1')).toBe('two-1')
})

test('NATS away and back leaves the same instance', { timeout: 30_000 }, async () => {
  const { fleet, lost } = await join('one')
  await fleet.setState('up')
  await nats.stop()
  await nats.start()
  const before = fleet.renewedAt
  await vi.waitFor(() => expect(fleet.renewedAt).not.toBe(before), { timeout: 15_000 })
  expect([fleet.instance, lost]).toEqual(['one-1', []])
})
