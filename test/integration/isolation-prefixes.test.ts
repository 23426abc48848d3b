// Two installations with the same rooms, users and namespaces on one NATS account, told apart by their prefix alone; and what becomes
// of a gateway whose rights, or whose prefix, do not fit.
import type { NatsConnection } from '@nats-io/transport-node'
import { describe, expect } from 'vitest'
import { eventsOf, storedEvents } from '../harness/events.ts'
import { eventually } from '../harness/eventually.ts'
import { DEFAULT_SETTINGS, type GatewayProcess } from '../harness/gateway.ts'
import { messagesOf } from '../harness/history.ts'
import { startNatsWithAccounts, variablesOf } from '../harness/nats-accounts.ts'
import { serve } from '../harness/service.ts'
import { type Stage, test } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const SETTINGS = {
  namespaces: {
    ask: { join: { who: 'service' }, publish: { who: 'service' } },
    default: { ...open, presence: true },
    chat: { ...open, presence: true, history: { messages: 1000, seconds: 3600 } },
  },
  inbox: { history: { messages: 100, seconds: 3600 } },
}
const GRANTED = { auth: { ...DEFAULT_SETTINGS.auth, grants: { send: ['*'], call: ['*'] } } }

async function installations(stage: Stage, prefixes: readonly string[]) {
  const nats = await stage.nats()
  const gateways = prefixes.map(async (prefix) => {
    await stage.router(nats, { ...variablesOf(SETTINGS), SLUICE_NATS_PREFIX: prefix })
    return stage.gateway(nats, { settings: { ...DEFAULT_SETTINGS, ...SETTINGS, ...GRANTED, nats: { prefix } } })
  })
  return { client: await nats.connect(), gateways: (await Promise.all(gateways)) as [GatewayProcess, GatewayProcess] }
}

async function ask(client: NatsConnection, subject: string, request: object): Promise<Record<string, unknown>> {
  return (await client.request(subject, JSON.stringify(request), { timeout: 3000 })).json()
}

describe('two installations on one NATS', () => {
  test('share nothing: no message, member, history, answer or event of one is seen in the other', async ({ stage }) => {
    const { client, gateways } = await installations(stage, ['a', 'b'])
    const [annA, annB] = [await stage.user(gateways[0], 'ann'), await stage.user(gateways[1], 'ann')]
    const both = [annA, annB]
    for (const ann of both) {
      for (const room of ['lobby', 'chat:lobby']) await ann.ok({ type: 'join', room, presence: true })
      await ann.ok({ type: 'join', user: 'ann' })
    }
    const benA = await stage.user(gateways[0], 'ben')
    for (const room of ['lobby', 'chat:lobby']) {
      await benA.join(room)
      await annA.next(({ type, room: where }) => type === 'joined' && where === room)
      await benA.ok({ type: 'publish', room, data: 'of a' })
    }
    await benA.ok({ type: 'send', user: 'ann', data: 'of a' })
    client.publish('a.room.chat.lobby', '"of a"')
    client.publish('a.user.ann', '"of a"')
    await client.request('a.pub.room.chat.lobby', '"of a"')
    // After all of it, one of each in b: what came before would have come first.
    for (const room of ['lobby', 'chat:lobby']) await annB.ok({ type: 'publish', room, data: 'of b' })
    await client.request('b.pub.user.ann', '"of b"')
    client.publish('b.user.ann', '"end"')
    client.publish('a.user.ann', '"end"')
    for (const ann of both) await ann.next(({ data }) => data === 'end')

    const kinds = (frames: typeof annA.frames) =>
      frames.flatMap(({ type, data }) => (type === 'message' ? [data] : type === 'joined' ? [type] : []))
    expect(kinds(annB.frames)).toEqual(['of b', 'of b', 'of b', 'end'])
    expect(kinds(annA.frames).filter((seen) => seen === 'of a').length).toBe(6)
    expect(kinds(annA.frames)).not.toContain('of b')

    const history = async (ann: typeof annA) =>
      ((await ann.ok({ type: 'history', room: 'chat:lobby', limit: 100 })).messages as { data: unknown }[]).map(
        ({ data }) => data,
      )
    expect(await history(annA)).toEqual(['of a', 'of a'])
    expect(await history(annB)).toEqual(['of b'])

    expect(await ask(client, 'a.api.presence', { room: 'chat:lobby' })).toMatchObject({ count: 2 })
    expect(await ask(client, 'b.api.presence', { room: 'chat:lobby' })).toMatchObject({ count: 1, connections: 1 })
    expect(await ask(client, 'b.api.user', { user: 'ann' })).toMatchObject({ connections: 1 })
    expect((await ask(client, 'b.api.gateways', {})).gateways).toHaveLength(1)
    await eventually(async () => eventsOf(await storedEvents(client, 'A_EVENTS'), 'ben')).toContain('joined chat:lobby')
    expect(eventsOf(await storedEvents(client, 'B_EVENTS'), 'ben')).toEqual([])
  })

  test('share no service: no call, question, control, revocation or receipt of one comes to the other', async ({
    stage,
  }) => {
    const { client, gateways } = await installations(stage, ['a', 'b'])
    const [first, second] = [await makeToken('ann'), await makeToken('ann', { claims: { jti: 'another' } })]
    const [annA, annB] = [await stage.open(gateways[0], { token: first }), await stage.user(gateways[1], 'ann')]
    await annA.welcome()
    const heard: Record<string, string[]> = { a: [], b: [] }
    for (const prefix of ['a', 'b']) {
      client.subscribe(`${prefix}.>`, { callback: (_, { subject }) => void heard[prefix]?.push(subject) })
      await serve(client, `${prefix}.call.>`, () => JSON.stringify(prefix))
      await serve(client, `${prefix}.authorize.>`, (message) => `{"allow":${message.subject.startsWith('a.')}}`)
    }
    const call = { type: 'call', method: 'who', data: 1 }
    const join = { type: 'join', room: 'ask:door' }
    expect(await annA.ok(call)).toMatchObject({ data: 'a' })
    await annA.ok(join)
    expect(heard.b?.filter((subject) => /^b\.(?:call|authorize)/.test(subject))).toEqual([])
    expect(await annB.ok(call)).toMatchObject({ data: 'b' })
    expect(await annB.refused(join)).toBe('forbidden')

    for (const ann of [annA, annB]) await ann.join('lobby')
    const publish = { room: 'lobby', data: 'told', key: 'k', receipt: true }
    const receipt = { gateways: 1, connections: 1, written: 1, skipped: 0 }
    expect(await ask(client, 'a.api.publish', publish)).toEqual({ receipt })
    expect(await annA.message()).toMatchObject({ data: 'told' })
    // The same id in both is two requests.
    expect(await ask(client, 'b.api.publish', publish)).toEqual({ receipt })
    expect(await ask(client, 'a.api.join', { user: 'ann', room: 'chat:made' })).toEqual({ connections: 1 })
    expect(await ask(client, 'a.api.leave', { user: 'ann', room: 'lobby' })).toEqual({ connections: 1 })
    const notBefore = Math.floor(Date.now() / 1000) + 30
    expect(await ask(client, 'a.api.disconnect', { user: 'ann', notBefore })).toEqual({ connections: 1, gateways: 1 })
    expect((await annA.closed).code).toBe(4005)
    expect((await (await stage.open(gateways[0], { token: second })).closed).code).toBe(4001)
    await (await stage.open(gateways[1], { token: second })).welcome()
    await annB.settled()
    expect(annB.frames.filter(({ type }) => type === 'added' || type === 'removed')).toEqual([])
    expect(annB.dataOf('lobby')).toEqual(['told'])
    const receipts = (prefix: string) => heard[prefix]?.filter((subject) => subject.includes('.ctl.receipt.')).length
    expect([receipts('a'), receipts('b')]).toEqual([1, 1])
    expect(heard.b?.filter((subject) => subject.startsWith('b.revoked.'))).toEqual([])
  })

  test('do not hear of each other’s ends: one that is killed leaves nothing and nobody in the other', async ({
    stage,
  }) => {
    const { client, gateways } = await installations(stage, ['a', 'b'])
    const ann = await stage.user(gateways[0], 'ann')
    await ann.ok({ type: 'join', room: 'chat:lobby', presence: true })
    const ben = await (await stage.user(gateways[1], 'ben')).join('chat:lobby')
    await eventually(async () => (await ask(client, 'b.api.presence', { room: 'chat:lobby' })).count).toBe(1)
    await gateways[1].child.kill()
    await ben.closed
    await eventually(async () => (await ask(client, 'b.api.presence', { room: 'chat:lobby' })).count, 15_000).toBe(0)
    expect(await ask(client, 'a.api.presence', { room: 'chat:lobby' })).toMatchObject({ count: 1 })
    await ann.settled()
    expect(ann.frames.filter(({ type }) => type === 'left')).toEqual([])
    expect(messagesOf(ann, 'chat:lobby')).toEqual([])
  })
})

describe('case 64: a gateway', () => {
  /** A prefix that its rights are not for, and rights that lack something. */
  const unfit: readonly [string, string, (accounts: string) => string][] = [
    ['another prefix', 'other', (accounts) => accounts],
    [
      'no right to probe',
      'sluice',
      (accounts) => accounts.replace('"sluice.user.*", "sluice.session.*.*",', '"sluice.user.*",'),
    ],
    ['no right to hear its probe', 'sluice', (accounts) => withoutLast(accounts, '"sluice.session.*.*",')],
    ['no right to its lease', 'sluice', (accounts) => accounts.replace('"$KV.sluice_lease.gateway.*",\n', '')],
    [
      'no right to a history',
      'sluice',
      (accounts) => accounts.replace('"$JS.API.STREAM.INFO.SLUICE_HISTORY_chat", ', ''),
    ],
    [
      'no right to follow leases',
      'sluice',
      (accounts) =>
        accounts.replace('"sluice.lease.>", "sluice.presence.room.>", "sluice.revoked.>"', '"sluice.revoked.>"'),
    ],
  ]

  test.for(unfit)('with %s is never ready, and says why', async ([, prefix, change], { stage }) => {
    let changed = false
    const accounts = await startNatsWithAccounts(stage, {
      change: (text) => {
        const made = change(text)
        changed = made !== text
        return made
      },
    })
    expect(changed).toBe(prefix === 'sluice')
    await accounts.router(SETTINGS)
    const gateway = accounts.launchGateway(SETTINGS, {
      expectErrors: true,
      settings: { readiness: { probeMs: 100, graceMs: 300 } },
      env: { SLUICE_NATS_PREFIX: prefix },
    })
    const told = await gateway.logged('error on the connection to NATS')
    expect(told).toMatchObject({
      level: expect.stringMatching(/warn|error/),
      reason: expect.stringMatching(/ermission/),
    })
    await gateway.logged('admin port is open')
    const seen = await gateway.readyz()
    expect(seen.status).toBe(503)
    expect(seen.reasons.length).toBeGreaterThan(0)
  })

  test('that may not write presence says so at the first member, and answers `unavailable`', async ({ stage }) => {
    const rights = /"\$KV\.sluice_presence_1_64\.(?:room|user)\.>",?/g
    const accounts = await startNatsWithAccounts(stage, { change: (text) => text.replace(rights, '') })
    await accounts.router(SETTINGS)
    const gateway = accounts.launchGateway(SETTINGS, { expectErrors: true })
    await gateway.logged('listening')
    await gateway.ready()
    const ann = await stage.user(gateway, 'ann')
    expect((await ann.request({ type: 'join', room: 'lobby', presence: true }, 15_000)).code).toBe('unavailable')
    expect(await gateway.logged('error on the connection to NATS')).toMatchObject({
      reason: expect.stringContaining('$KV.sluice_presence_1_64'),
    })
  })

  test('that may not read what was revoked is not ready, lets nobody in, and says so', async ({ stage }) => {
    const accounts = await startNatsWithAccounts(stage, {
      change: (text) =>
        text.replace('"$JS.API.STREAM.INFO.KV_sluice_revoked", "$JS.API.DIRECT.GET.KV_sluice_revoked",', ''),
    })
    await accounts.router(SETTINGS)
    const gateway = accounts.launchGateway(SETTINGS, { expectErrors: true })
    await gateway.logged('listening')
    await eventually(async () => (await gateway.readyz()).reasons).toContain('revocations_unreadable')
    const ann = await stage.open(gateway, { token: await makeToken('ann') })
    expect((await ann.closedWithin(10_000)).code).toBe(1013)
    expect(await gateway.logged('error on the connection to NATS')).toMatchObject({
      reason: expect.stringContaining('KV_sluice_revoked'),
    })
  })
})

function withoutLast(text: string, part: string): string {
  const gateway = text.slice(0, text.indexOf('{ user: router'))
  const at = gateway.lastIndexOf(part)
  return text.slice(0, at) + text.slice(at + part.length)
}
