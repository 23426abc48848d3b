// Gateways, routers and services with the rights of deploy/nats/accounts.conf, and no others: all of it works. That nobody can do more
// is isolation-refusals.test.ts.
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { jetstream } from '@nats-io/jetstream'
import { describe, expect } from 'vitest'
import { findNatsServer, NATS_CACHE_DIR } from '../../deploy/local/nats-server.ts'
import { eventually } from '../harness/eventually.ts'
import { positionOf } from '../harness/history.ts'
import { NATS_USERS } from '../harness/nats-accounts.ts'
import { makeAuditConsumer, test } from '../harness/rights.ts'
import { type Service, serve } from '../harness/service.ts'
import { api } from '../harness/services.ts'
import { makeToken } from '../harness/tokens.ts'

/** What operators copy. */
const CONFIGURATION = resolve(import.meta.dirname, '../../deploy/nats/nats-server.conf')

test('the whole configuration is one that nats-server takes', async () => {
  const program = await findNatsServer({ cacheDir: NATS_CACHE_DIR, say: () => undefined })
  const passwords = NATS_USERS.map((user) => [`SLUICE_${user.toUpperCase()}_PASSWORD`, `of-${user}`])
  const { stderr } = spawnSync(program, ['-t', '-c', CONFIGURATION], {
    env: Object.fromEntries(passwords),
    encoding: 'utf8',
  })
  expect(stderr).toContain('is valid')
})

describe('with the rights of deploy/nats, and no others', () => {
  test('rooms, users, presence and history work across gateways', async ({ stage, sluice: { one, two } }) => {
    const ann = await stage.user(one, 'rights-ann')
    const ben = await stage.user(two, 'rights-ben')
    for (const room of ['lobby', 'chat:lobby']) {
      await ben.join(room)
      const { members } = await ann.ok({ type: 'join', room, presence: true })
      expect(members).toHaveLength(2)
      await ann.ok({ type: 'publish', room, data: room })
      expect(await ben.message()).toMatchObject({ room, data: room, from: 'rights-ann' })
    }
    await ann.ok({ type: 'send', session: ben.session, data: 'to the session' })
    expect(await ben.message()).toMatchObject({ data: 'to the session' })
    await ben.ok({ type: 'join', user: 'rights-ben' })
    await ann.ok({ type: 'send', user: 'rights-ben', data: 'kept' })
    expect(await ben.message()).toMatchObject({ data: 'kept', offset: expect.any(Number) })
    expect(await ann.ok({ type: 'presence', room: 'chat:elsewhere' })).toMatchObject({ count: 0 })
    await ben.leave()
    expect(await ann.next(({ type }) => type === 'left')).toMatchObject({ member: { user: 'rights-ben' } })
  })

  test('who comes back with a position misses nothing, and pages read backwards', async ({
    stage,
    sluice: { one, two },
  }) => {
    const room = 'chat:since'
    const ann = await stage.user(one, 'since-ann')
    const since = positionOf(await ann.ok({ type: 'join', room }))
    await ann.leave()
    const ben = await stage.user(two, 'since-ben')
    for (let n = 0; n < 20; n++) await ben.ok({ type: 'publish', room, data: n })
    const back = await stage.user(one, 'since-ann')
    expect(await back.ok({ type: 'join', room, since })).toMatchObject({ recovered: true })
    expect(back.dataOf(room)).toEqual(Array.from({ length: 20 }, (_, n) => n))
    const page = await back.ok({ type: 'history', room, limit: 5 })
    expect((page.messages as { data: unknown }[]).map(({ data }) => data)).toEqual([15, 16, 17, 18, 19])
  })

  test('all rooms of a namespace are joined at once, and recovered', async ({ stage, sluice: { one, two } }) => {
    const ann = await stage.user(one, 'all-ann')
    const since = positionOf(await ann.ok({ type: 'join', room: 'chat:*' }))
    const ben = await stage.user(two, 'all-ben')
    for (const room of ['chat:all-1', 'chat:all-2']) {
      await ben.ok({ type: 'publish', room, data: 1 })
      await ben.ok({ type: 'publish', room, data: 2, ephemeral: true })
      await eventually(() => ann.dataOf(room).toSorted()).toEqual([1, 2])
    }
    const back = await stage.user(two, 'all-ann')
    expect(await back.ok({ type: 'join', room: 'chat:*', since })).toMatchObject({ recovered: true })
    expect([...back.dataOf('chat:all-1'), ...back.dataOf('chat:all-2')]).toEqual([1, 1])
  })

  test('a service that may push does so, live and stored, and learns where it is stored', async ({ stage, sluice }) => {
    const ann = await (await stage.user(sluice.one, 'pushed-ann')).join('chat:pushed')
    const pusher = await sluice.connect('pusher')
    pusher.publish('sluice.room.chat.pushed', '"live"')
    expect(await ann.message()).toMatchObject({ data: 'live' })
    const js = jetstream(pusher)
    const stored = await js.publish('sluice.pub.room.chat.pushed', '"stored"', { msgID: 'pushed/1' })
    expect(stored).toMatchObject({ stream: 'SLUICE_HISTORY_chat', duplicate: false })
    expect(await ann.message()).toMatchObject({ data: 'stored', offset: stored.seq })
    const again = await js.publish('sluice.pub.room.chat.pushed', '"stored"', { msgID: 'pushed/1' })
    expect(again).toMatchObject({ seq: stored.seq, duplicate: true })
  })

  test('a service that may ask is answered', async ({ stage, sluice }) => {
    await (await stage.user(sluice.one, 'asked-ann')).join('chat:asked')
    const asker = await sluice.connect('asker')
    const ask = async (verb: string, body: object) =>
      (await asker.request(`sluice.api.${verb}`, JSON.stringify(body), { timeout: 3000 })).json<
        Record<string, unknown>
      >()
    await eventually(async () => (await ask('presence', { room: 'chat:asked' })).count).toBe(1)
    expect(await ask('user', { user: 'asked-ann' })).toMatchObject({ connections: 1, rooms: ['chat:asked'] })
    expect((await ask('count', { rooms: ['chat:asked'] })).counts).toMatchObject({ 'chat:asked': { members: 1 } })
    expect((await ask('rooms', { namespace: 'chat' })).rooms).toContainEqual(
      expect.objectContaining({ room: 'chat:asked' }),
    )
    expect((await ask('gateways', {})).gateways).toHaveLength(2)
  })

  test('a service that may read events reads them through the consumer that an operator has made', async ({
    stage,
    sluice,
  }) => {
    await makeAuditConsumer(sluice)
    const audit = await sluice.connect('audit')
    const events = await jetstream(audit, { apiPrefix: 'sluice.js' }).consumers.get('SLUICE_EVENTS', 'audit')
    const ann = await (await stage.user(sluice.one, 'audited-ann')).join('chat:audited')
    const joined = await events.next({ expires: 5000 })
    expect(joined?.json()).toMatchObject({ kind: 'joined', user: 'audited-ann', room: 'chat:audited' })
    expect(await joined?.ackAck()).toBe(true)
    await ann.leave()
    expect((await events.next({ expires: 5000 }))?.json()).toMatchObject({ kind: 'left', user: 'audited-ann' })
  })

  test('a service answers the calls that it exports, with headers and errors, and one in its place when it is gone', async ({
    stage,
    sluice,
  }) => {
    const ann = await stage.user(sluice.one, 'called-ann')
    const call = (data: unknown) => ann.request({ type: 'call', method: 'orders.get', data })
    const begun = performance.now()
    expect(await call(1)).toMatchObject({ code: 'no_service' })
    expect(performance.now() - begun).toBeLessThan(2000)
    const clients = [await sluice.connect('orders'), await sluice.connect('orders')]
    const workers: Service[] = []
    for (const client of clients) workers.push(await serve(client, 'sluice.call.orders.>', () => '"mine"', 'orders'))
    for (let at = 0; at < 40; at++) expect(await call(at)).toMatchObject({ data: 'mine' })
    const counts = workers.map(({ asked }) => asked.length)
    expect(counts.reduce((sum, count) => sum + count)).toBe(40)
    expect(Math.min(...counts)).toBeGreaterThan(0)
    const { headers, subject } = workers[0]?.asked[0] ?? {}
    expect(subject).toBe('sluice.call.orders.get')
    expect(headers?.get('Sluice-From')).toBe('called-ann')
    expect(headers?.get('Sluice-Session')).toBe(ann.session.replace('.', '=2E'))
    expect(JSON.parse(headers?.get('Sluice-Claims') ?? '')).toMatchObject({ sub: 'called-ann' })
    const failure = { 'Nats-Service-Error-Code': '409', 'Nats-Service-Error': 'sold out' }
    for (const worker of workers) worker.answers(() => ({ payload: '{"left":0}', headers: failure }))
    expect(await call(1)).toMatchObject({ code: 'service_error', message: 'sold out', details: { left: 0 } })
    for (const worker of workers) await worker.stop()
    expect(await call(1)).toMatchObject({ code: 'no_service' })
    expect(await ann.refused({ type: 'call', method: 'elsewhere', data: 1 })).toBe('no_service')
  })

  test('a service decides who may join and publish in the namespace that it exports', async ({ stage, sluice }) => {
    const ann = await stage.user(sluice.one, 'asking-ann')
    expect(await ann.refused({ type: 'join', room: 'ask:door' })).toBe('no_service')
    const doors = await serve(await sluice.connect('doors'), 'sluice.authorize.*.ask', (message) =>
      JSON.stringify({ allow: message.json<{ room: string }>().room === 'ask:door' }),
    )
    await ann.ok({ type: 'join', room: 'ask:door' })
    await ann.ok({ type: 'publish', room: 'ask:door', data: 'in' })
    expect(await ann.refused({ type: 'join', room: 'ask:wall' })).toBe('forbidden')
    expect(doors.asked.map(({ subject }) => subject)).toEqual([
      'sluice.authorize.join.ask',
      'sluice.authorize.publish.ask',
      'sluice.authorize.join.ask',
    ])
    await doors.stop()
  })

  test('a service that may disconnect does, and older tokens are refused from then on', async ({ stage, sluice }) => {
    const moderator = await sluice.connect('moderator')
    const token = await makeToken('banned-ann')
    const anns = [await stage.open(sluice.one, { token }), await stage.open(sluice.two, { token })]
    for (const ann of anns) await ann.welcome()
    const notBefore = Math.floor(Date.now() / 1000) + 30
    expect(await api(moderator, 'disconnect', { user: 'banned-ann', notBefore })).toEqual({
      connections: 2,
      gateways: 2,
    })
    for (const ann of anns) expect((await ann.closed).code).toBe(4005)
    expect((await (await stage.open(sluice.two, { token })).closed).code).toBe(4001)
  })

  test('routers publish, place and move for whoever may ask them, and gather receipts', async ({ stage, sluice }) => {
    const operator = await sluice.connect('operator')
    const ann = await stage.user(sluice.one, 'placed-ann')
    for (const room of ['placed', 'chat:placed', 'private:placed']) {
      expect(await api(operator, 'join', { user: 'placed-ann', room })).toEqual({ connections: 1 })
      const told = await api(operator, 'publish', { room, data: room, receipt: true })
      expect(told.receipt).toEqual({ gateways: 1, connections: 1, written: 1, skipped: 0 })
      await eventually(() => ann.dataOf(room)).toEqual([room])
      expect(await api(operator, 'leave', { user: 'placed-ann', room })).toEqual({ connections: 1 })
    }
    await ann.ok({ type: 'join', user: 'placed-ann' })
    const targets = [{ user: 'placed-ann' }, { user: 'placed-ann', ephemeral: true }, { session: ann.session }]
    for (const target of targets) {
      const told = await api(operator, 'publish', { ...target, data: 'for her', receipt: true })
      expect(told.receipt).toEqual({ gateways: 1, connections: 1, written: 1, skipped: 0 })
    }
    const key = { room: 'chat:placed', data: 1, key: 'once' }
    const first = await api(operator, 'publish', key)
    expect(await api(operator, 'publish', key)).toEqual({ ...first, duplicate: true })
    const gateway = ann.frames[0]?.gateway
    expect(await api(operator, 'move', { gateway, connections: 1, windowMs: 0 })).toEqual({ connections: 1 })
  })

  test('nothing that a gateway or a router needs was refused', async ({ sluice: { one, two, routers } }) => {
    for (const { log } of [one, two, ...routers]) {
      expect(log.filter(({ reason }) => /ermission/.test(String(reason)))).toEqual([])
    }
  })
})
