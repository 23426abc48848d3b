// Presence as gateways alone bring it about: real processes and a real nats-server, with the buckets that a router would make.

import { writeFileSync } from 'node:fs'
import { createPresenceStores, encodeControl, type SessionId } from '@sluice/proto'
import { describe, expect } from 'vitest'
import { keysOf, makeBuckets } from '../harness/buckets.ts'
import type { Client, Frame } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { DEFAULT_SETTINGS, type GatewayOptions, type GatewayProcess } from '../harness/gateway.ts'
import type { NatsServer } from '../harness/nats.ts'
import { type Stage, test } from '../harness/stage.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const settings = {
  namespaces: { default: { ...open, presence: true }, plain: open, private: { presence: true } },
  presence: { lingerMs: 1000 },
}
const stores = createPresenceStores()
const watch = { type: 'join', room: 'lobby', presence: true }

async function cluster(
  stage: Stage,
  options: GatewayOptions = {},
): Promise<[NatsServer, GatewayProcess, GatewayProcess]> {
  const nats = await stage.nats()
  await makeBuckets(await nats.connect())
  const [one, two] = await Promise.all([
    stage.gateway(nats, { settings, ...options }),
    stage.gateway(nats, { settings, ...options }),
  ])
  return [nats, one, two]
}

/** Memberships of broken connections that gateways still show. */
async function lingering(...gateways: readonly GatewayProcess[]): Promise<number> {
  const counts = await Promise.all(
    gateways.map(async (gateway) => (await gateway.metrics()).value('presence_lingering')),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

/** What a client was told of who came and went. */
function events({ frames }: Client): string[] {
  return frames.flatMap(({ type, member }) =>
    type === 'joined' || type === 'left' ? `${type} ${(member as { user: string }).user}` : [],
  )
}

const usersOf = ({ members }: Frame): string[] => (members as { user: string }[]).map(({ user }) => user).sort()

describe('a watcher', () => {
  test('sees who is there on all gateways, who comes and who leaves, each once', async ({ stage }) => {
    const [, one, two] = await cluster(stage)
    const ann = await stage.user(one, 'ann', { grants: { info: { name: 'Ann' } } })
    expect(await ann.ok(watch)).toMatchObject({
      count: 1,
      members: [{ user: 'ann', info: { name: 'Ann' }, connections: 1 }],
    })
    const ben = await stage.user(two, 'ben', { encoding: 'msgpack' })
    expect(usersOf(await ben.ok(watch))).toEqual(['ann', 'ben'])
    await eventually(() => events(ann)).toEqual(['joined ben'])
    // A second connection of a user, anywhere, is nothing that is seen.
    const again = await (await stage.user(one, 'ben')).join('lobby')
    const hidden = await (await stage.user(two, 'eve', { grants: { hidden: true } })).join('lobby')
    const cat = await (await stage.user(two, 'cat')).join('lobby')
    await eventually(() => events(ann)).toEqual(['joined ben', 'joined cat'])
    await ben.leave()
    await cat.ok({ type: 'leave', room: 'lobby' })
    await eventually(() => events(ann)).toEqual(['joined ben', 'joined cat', 'left cat'])
    await again.leave()
    await hidden.leave()
    await eventually(() => events(ann)).toEqual(['joined ben', 'joined cat', 'left cat', 'left ben'])
    expect(await ann.ok({ type: 'presence', room: 'lobby' })).toMatchObject({ count: 1 })
  })

  test('does not see one who is back in time, and sees one who is not', async ({ stage }) => {
    const [, one, two] = await cluster(stage)
    const ann = await stage.user(one, 'ann')
    await ann.ok(watch)
    const [ben, cat] = [await stage.user(one, 'ben'), await stage.user(two, 'cat')]
    await Promise.all([ben.join('lobby'), cat.join('lobby')])
    await eventually(() => events(ann).length).toBe(2)
    ben.socket.terminate()
    cat.socket.terminate()
    await (await stage.user(two, 'ben')).join('lobby')
    await eventually(() => events(ann).slice(2)).toEqual(['left cat'])
    await eventually(() => lingering(one, two)).toBe(0)
    await ann.settled()
    expect(events(ann).slice(2)).toEqual(['left cat'])
  })
})

describe('presence that is refused', () => {
  test('where it is off, where one may not join, and where no router answers', async ({ stage }) => {
    const [, one] = await cluster(stage)
    const ann = await stage.user(one, 'ann')
    expect(await ann.refused({ ...watch, room: 'plain:a' })).toBe('not_enabled')
    expect(await ann.refused({ type: 'presence', room: 'private:a' })).toBe('forbidden')
    expect(await ann.refused({ type: 'presence', room: 'elsewhere' })).toBe('unavailable')
  })
})

describe('a gateway that is told to stop', () => {
  test('shows no one leave who comes back elsewhere, and leaves no ghost', async ({ stage }) => {
    const [nats, one, two] = await cluster(stage)
    const ann = await stage.user(two, 'ann')
    await ann.ok(watch)
    const [ben, cat] = [await stage.user(one, 'ben'), await stage.user(one, 'cat')]
    await Promise.all([ben.join('lobby'), cat.join('lobby')])
    await eventually(() => events(ann).length).toBe(2)
    one.child.signal('SIGTERM')
    expect(await ben.closed).toMatchObject({ code: 1012 })
    await (await stage.user(two, 'ben')).join('lobby')
    expect(await one.child.exited).toEqual({ code: 0, signal: null })
    await eventually(() => events(ann).slice(2)).toEqual(['left cat'])
    const client = await nats.connect()
    expect((await keysOf(client, stores.leases)).size).toBe(1)
    const entries = [...(await keysOf(client, stores.entries)).keys()]
    const lease = [...(await keysOf(client, stores.leases)).keys()][0]?.slice('gateway.'.length)
    expect(entries.filter((key) => !key.includes(`.${lease}.`))).toEqual([])
  })
})

test('a gateway that is killed takes those along who do not come back, once', { timeout: 30_000 }, async ({
  stage,
}) => {
  const [, one, two] = await cluster(stage, { expectErrors: true })
  const ann = await stage.user(two, 'ann')
  await ann.ok(watch)
  const [ben, cat] = [await stage.user(one, 'ben'), await stage.user(one, 'cat')]
  await Promise.all([ben.join('lobby'), cat.join('lobby')])
  await eventually(() => events(ann).length).toBe(2)
  await one.child.kill()
  await (await stage.user(two, 'ben')).join('lobby')
  await eventually(() => events(ann).slice(2), 13_000).toEqual(['left cat'])
})

test('writes grow with rooms that change, not with sockets', async ({ stage }) => {
  const accept = { ...DEFAULT_SETTINGS.accept, userConnectionsMax: 1000 }
  const [nats, one] = await cluster(stage, { settings: { ...settings, accept } })
  const entries = async (result: string) => (await one.metrics()).value('presence_entries_total', { result })
  const before = await entries('written')
  const clients = await Promise.all(Array.from({ length: 200 }, () => stage.user(one, 'ann')))
  await Promise.all(clients.map((client) => client.join('lobby')))
  await Promise.all(clients.map((client) => client.leave()))
  const client = await nats.connect()
  await eventually(async () => (await keysOf(client, stores.entries)).size).toBe(0)
  expect((await entries('written')) - before).toBeLessThan(50)
  expect(await entries('failed')).toBe(0)
})

test('a namespace whose presence is switched on while the gateway runs shows who is there already', async ({
  stage,
}) => {
  const nats = await stage.nats()
  await makeBuckets(await nats.connect())
  const gateway = await stage.gateway(nats)
  const ann = await (await stage.user(gateway, 'ann')).join('lobby')
  expect(await ann.refused({ type: 'presence', room: 'lobby' })).toBe('not_enabled')
  const { default: _, ...rest } = DEFAULT_SETTINGS.namespaces
  writeFileSync(
    gateway.configPath,
    JSON.stringify({
      ...DEFAULT_SETTINGS,
      listen: { host: '127.0.0.1', port: 0 },
      admin: { host: '127.0.0.1', port: 0 },
      namespaces: { ...rest, default: { ...open, presence: true } },
    }),
  )
  gateway.child.signal('SIGHUP')
  await gateway.logged('presence is announced')
  const ben = await stage.user(gateway, 'ben')
  expect(usersOf(await ben.ok(watch))).toEqual(['ann', 'ben'])
})

test('a router closes connections by their session', async ({ stage }) => {
  const [nats, one] = await cluster(stage)
  const [ann, ben] = [await stage.user(one, 'ann'), await stage.user(one, 'ben')]
  const client = await nats.connect()
  const sessions = [ann.session, 'elsewhere.1'] as SessionId[]
  const control = encodeControl({ verb: 'close', sessions, code: 4030, reason: 'too many connections of this user' })
  const answer = await client.request(`sluice.ctl.gateway.${ann.session.split('.')[0]}`, control)
  expect(answer.json()).toMatchObject({ v: 1, connections: 1 })
  expect(await ann.closed).toEqual({ code: 4030, reason: 'too many connections of this user' })
  await ben.settled()
})
