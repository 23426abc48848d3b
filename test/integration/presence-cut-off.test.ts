// A gateway that is cut off from NATS while its sockets stay open: what the others see, and that everything is announced again when
// the link is back. Real processes; the wire of one gateway to NATS is in our hands.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { NatsConnection } from '@nats-io/transport-node'
import { createPresenceStores, decodeLease } from '@sluice/proto'
import { describe, expect } from 'vitest'
import { keysOf } from '../harness/buckets.ts'
import type { Client } from '../harness/client.ts'
import { eventsOf, storedEvents } from '../harness/events.ts'
import { eventually } from '../harness/eventually.ts'
import { type GatewayProcess, startGateway } from '../harness/gateway.ts'
import type { NatsServer } from '../harness/nats.ts'
import { type Stage, test } from '../harness/stage.ts'
import { until } from '../harness/until.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const settings = { namespaces: { default: { ...open, presence: true } }, presence: { lingerMs: 500 } }
const watch = { type: 'join', room: 'lobby', presence: true }
const { leases, entries } = createPresenceStores()

/** A crash shows within this time after the last renewal; then the frame must reach a poll of ours on a busy machine. */
const SEEN_MS = 12_500 + 1000
const LEASE_MS = 10_000

/** How a wire is cut: connections end and new ones are refused, or nothing arrives any more on either side and nobody is told. */
type Cut = 'refused' | 'silent'

/** A wire to NATS that can be cut and mended at the same address. */
interface Wire extends AsyncDisposable {
  readonly url: string
  cut(how: Cut): Promise<void>
  mend(): Promise<void>
}

async function startWire(natsUrl: string): Promise<Wire> {
  const target = new URL(natsUrl)
  const ends = new Set<Socket>()
  let silent = false
  const server = createServer((client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port), noDelay: true })
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      ends.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        ends.delete(from)
        to.destroy()
      })
      from.on('data', (piece) => to.write(piece))
      if (silent) from.pause()
    }
  })
  const listen = async (port: number): Promise<number> => {
    await once(server.listen(port, '127.0.0.1'), 'listening')
    return (server.address() as AddressInfo).port
  }
  const refuse = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    for (const end of ends) end.destroy()
    await closed
  }
  const port = await listen(0)
  return {
    url: `nats://127.0.0.1:${port}`,
    async cut(how) {
      silent = how === 'silent'
      if (silent) for (const end of ends) end.pause()
      else await refuse()
    },
    async mend() {
      silent = false
      for (const end of ends) end.resume()
      if (!server.listening) await listen(port)
    },
    async [Symbol.asyncDispose]() {
      if (server.listening) await refuse()
    },
  }
}

interface Scene {
  readonly nats: NatsServer
  readonly service: NatsConnection
  readonly wire: Wire
  /** The one behind the wire. */
  readonly gateway: GatewayProcess
  readonly other: GatewayProcess
  /** `ann` watches from the gateway behind the wire, `ben` from the other one. */
  readonly ann: Client
  readonly ben: Client
  /** When the last renewal of the gateway behind the wire was stored, by our monotonic clock. */
  renewedMs(): number
}

async function scene(stage: Stage): Promise<Scene> {
  const nats = await stage.nats()
  await Promise.all([stage.router(nats), stage.router(nats)])
  const service = await nats.connect()
  const wire = stage.use(await startWire(nats.url))
  const gateway = stage.use(await startGateway(wire.url, { settings, expectErrors: true }))
  // It ends as usual, whatever has failed.
  stage.use({ [Symbol.asyncDispose]: () => wire.mend() })
  let renewedMs = 0
  const [key] = [...(await keysOf(service, leases, 'gateway.>')).keys()]
  service.subscribe(leases.followed(key as string), {
    callback: (_, message) => {
      const lease = decodeLease(message.data)
      // A router writes the end of the lease under the same key.
      if (lease !== null && lease !== 'newer' && lease.state !== 'dead') renewedMs = performance.now()
    },
  })
  await until(() => renewedMs > 0)
  const other = await stage.gateway(nats, { settings })
  const [ann, ben] = [await stage.user(gateway, 'ann'), await stage.user(other, 'ben')]
  await ann.ok(watch)
  await ben.ok(watch)
  await eventually(() => told(ann)).toEqual(['joined ben'])
  return { nats, service, wire, gateway, other, ann, ben, renewedMs: () => renewedMs }
}

/** What a client was told of who came and went. */
function told({ frames }: Client): string[] {
  return frames.flatMap(({ type, member }) =>
    type === 'joined' || type === 'left' ? `${type} ${(member as { user: string }).user}` : [],
  )
}

const usersOf = (answer: Readonly<Record<string, unknown>>): string[] =>
  (answer.members as { user: string }[]).map(({ user }) => user).sort()

async function membersOf(service: NatsConnection, room: string): Promise<string[]> {
  const message = await service.request('sluice.api.presence', JSON.stringify({ room }), { timeout: 2000 })
  return usersOf(message.json())
}

/** Who is in the lobby: as routers say, and as each gateway sees it that someone watches from. */
async function views({ service, ann, ben }: Scene): Promise<string[][]> {
  const asked = await Promise.all([ann, ben].map((client) => client.ok({ type: 'presence', room: 'lobby' })))
  return [await membersOf(service, 'lobby'), ...asked.map(usersOf)]
}

const everywhere = (...users: string[]): string[][] => [users, users, users]

/** The events of users who were there before the cut, as backends read them. */
async function comings(service: NatsConnection, ...users: string[]): Promise<string[][]> {
  const events = await storedEvents(service)
  // Events come at least once: of two owners one may have seen a later revision of the same change.
  return users.map((user) =>
    eventsOf(events, user)
      .filter((event) => /^(joined|left) lobby$/.test(event))
      .filter((event, at, all) => event !== all[at - 1]),
  )
}

describe.each(['refused', 'silent'] as const)('a gateway cut off from NATS (%s)', (how) => {
  test('for longer than its lease: one `left` for each of its users, and all joined once when it is back', {
    timeout: 90_000,
  }, async ({ stage }) => {
    const here = await scene(stage)
    const { wire, gateway, other, ann, ben, service } = here
    const [cat, dan] = [await stage.user(gateway, 'cat'), await stage.user(gateway, 'dan')]
    await Promise.all([cat.join('lobby'), dan.join('lobby'), cat.join('quiet')])
    await eventually(() => told(ben).sort()).toEqual(['joined cat', 'joined dan'])
    await eventually(() => views(here)).toEqual(everywhere('ann', 'ben', 'cat', 'dan'))

    await wire.cut(how)
    const before = told(ben).length
    await until(() => told(ben).length === before + 3, { timeoutMs: 20_000, what: 'the end of the lease' })
    const silentMs = performance.now() - here.renewedMs()
    expect(silentMs).toBeGreaterThan(LEASE_MS)
    expect(silentMs).toBeLessThan(SEEN_MS)
    expect(told(ben).slice(before).sort()).toEqual(['left ann', 'left cat', 'left dan'])
    // Meanwhile sockets stay, one goes by itself, and someone comes elsewhere.
    for (const client of [ann, cat, dan]) expect(await client.request({ type: 'ping' })).toMatchObject({ type: 'pong' })
    await dan.leave()
    await (await stage.user(other, 'eve')).join('lobby')
    await eventually(() => told(ben).slice(before + 3)).toEqual(['joined eve'])
    // Nothing of it is left, not even where nothing will change.
    await eventually(() => keysOf(service, entries, 'room.*.default.quiet.>').then(({ size }) => size)).toBe(0)

    await wire.mend()
    await eventually(
      () =>
        told(ben)
          .slice(before + 4)
          .sort(),
      20_000,
    ).toEqual(['joined ann', 'joined cat'])
    await eventually(() => views(here), 15_000).toEqual(everywhere('ann', 'ben', 'cat', 'eve'))
    await eventually(() => membersOf(service, 'quiet')).toEqual(['cat'])
    expect((await gateway.metrics()).value('presence_leases_lost_total')).toBe(1)
    const again = ['joined lobby', 'left lobby', 'joined lobby']
    await eventually(() => comings(service, 'ann', 'ben', 'cat', 'dan')).toEqual([
      again,
      again.slice(0, 1),
      again,
      again.slice(0, 2),
    ])
    // To it ben was there all the time.
    expect(told(ann).filter((event) => /ben|eve/.test(event))).toEqual(['joined ben', 'joined eve'])
    // Nothing comes behind.
    await renewals(here, 2)
    expect(told(ben)).toHaveLength(before + 6)
    expect([ann.close, cat.close]).toEqual([null, null])
  })

  test('for a while that its lease outlives: nobody sees anything', { timeout: 60_000 }, async ({ stage }) => {
    const here = await scene(stage)
    const { wire, gateway, other, ann, ben, service } = here
    const cutMs = performance.now()
    await wire.cut(how)
    await (await stage.user(other, 'eve')).join('lobby')
    await until(() => performance.now() - cutMs > 4000)
    await wire.mend()
    await eventually(() => told(ann), 10_000).toEqual(['joined ben', 'joined eve'])
    await eventually(() => views(here), 10_000).toEqual(everywhere('ann', 'ben', 'eve'))
    // A lease that was taken for dead would show by now.
    await until(() => performance.now() - cutMs > SEEN_MS, { timeoutMs: 15_000 })
    expect([told(ann), told(ben)]).toEqual([['joined ben', 'joined eve'], ['joined eve']])
    expect((await gateway.metrics()).value('presence_leases_lost_total')).toBe(0)
    expect(await comings(service, 'ann', 'ben')).toEqual([['joined lobby'], ['joined lobby']])
    expect([ann.close, ben.close]).toEqual([null, null])
  })
})

test('a gateway that comes back when nothing of its lease is left announces everything again', {
  timeout: 60_000,
}, async ({ stage }) => {
  const here = await scene(stage)
  const { wire, ann, ben, service } = here
  await wire.cut('refused')
  await eventually(() => told(ben), 20_000).toEqual(['left ann'])
  await eventually(() => keysOf(service, entries, 'room.>').then(({ size }) => size)).toBe(1)
  // Two minutes later neither the lease nor the marker of its deletion stands any more.
  for (const [key, value] of await keysOf(service, leases, 'gateway.>')) {
    if ((value as { state: string }).state !== 'dead') continue
    const filter = JSON.stringify({ filter: leases.subject(key) })
    await service.request(`$JS.API.STREAM.PURGE.${leases.stream}`, filter)
  }
  await wire.mend()
  await eventually(() => told(ben), 20_000).toEqual(['left ann', 'joined ann'])
  await eventually(() => views(here), 15_000).toEqual(everywhere('ann', 'ben'))
  expect(ann.close).toBeNull()
})

/** So many renewals of the gateway behind the wire have come since now, under whichever instance. */
async function renewals({ service }: Scene, count: number): Promise<void> {
  let seen = 0
  const subscription = service.subscribe(leases.followed('gateway.>'), { callback: () => void seen++ })
  // Both gateways renew.
  await until(() => seen >= count * 2, { timeoutMs: 10_000, what: 'renewals' })
  subscription.unsubscribe()
}
