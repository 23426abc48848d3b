// Rooms that a service decides about: real gateways, a router where presence is looked at, and services that are plain NATS clients.
import type { NatsConnection } from '@nats-io/transport-node'
import { describe, expect } from 'vitest'
import type { Client } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { brokenLinks, historyCluster, messagesOf } from '../harness/history.ts'
import { type Service, serve } from '../harness/service.ts'
import { testWithCluster, test as withStage } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const anyone = { who: 'anyone' }
const service = { who: 'service' }
const NAMESPACES = {
  desk: { join: service, publish: anyone },
  board: { join: anyone, publish: service },
  shelf: { join: service, publish: service },
  log: { join: service, publish: anyone },
  quiet: { join: service },
  chat: { join: anyone, publish: anyone },
}
const test = testWithCluster({ settings: { namespaces: NAMESPACES } })

const ALLOW = '{"allow":true}'

async function refused(client: Client, frame: object): Promise<Record<string, unknown>> {
  const answer = await client.request(frame)
  if (answer.type !== 'error') throw new Error(`${JSON.stringify(frame)} was answered ${JSON.stringify(answer)}`)
  return answer
}

const join = (room: string) => ({ type: 'join', room })
const publish = (room: string, data: unknown) => ({ type: 'publish', room, data })

/** A service that answers by room. */
function perRoom(
  client: NatsConnection,
  subject: string,
  answers: Record<string, string | undefined>,
): Promise<Service> {
  return serve(client, subject, (message) => answers[message.json<{ room: string }>().room])
}

describe('a join that a service decides about', () => {
  test('is asked with user, session, room and claims, and allowed by a clear yes alone', async ({
    stage,
    cluster: { nats, one },
  }) => {
    const asked = await perRoom(await nats.connect(), 'sluice.authorize.join.desk', {
      'desk:yes': ALLOW,
      'desk:no': '{"allow":false,"reason":"not on the list"}',
      'desk:bare': '{"allow":false}',
      'desk:text': '{"allow":"true"}',
      'desk:one': '{"allow":1}',
      'desk:limits': '{"allow":true,"limits":{"publishesPerSecond":"2"}}',
      'desk:info': `{"allow":true,"info":"${'x'.repeat(300)}"}`,
      'desk:null': 'null',
      'desk:nothing': '',
    })
    const ann = await stage.user(one, 'ann')
    await ann.ok(join('desk:yes'))
    expect(asked.last()).toEqual({
      user: 'ann',
      session: ann.session,
      room: 'desk:yes',
      claims: expect.objectContaining({ sub: 'ann', exp: expect.any(Number) }),
    })
    expect(await refused(ann, join('desk:no'))).toMatchObject({ code: 'forbidden', message: 'not on the list' })
    expect(await refused(ann, join('desk:bare'))).toMatchObject({ code: 'forbidden' })
    for (const room of ['text', 'one', 'limits', 'info', 'null', 'nothing'])
      expect({ room, ...(await refused(ann, join(`desk:${room}`))) }).toMatchObject({ room, code: 'service_error' })
    const ben = await stage.user(one, 'ben')
    await ben.ok(publish('desk:yes', 'in'))
    expect((await ann.message()).data).toBe('in')
    await ben.ok(publish('desk:no', 'out'))
    await ann.settled()
    expect(ann.dataOf('desk:no')).toEqual([])
  })

  test('fails closed: nobody listens, nobody answers, the service fails', async ({ stage, cluster: { nats, one } }) => {
    const ann = await stage.user(one, 'ann')
    expect(await refused(ann, join('shelf:a'))).toMatchObject({ code: 'no_service' })
    const asked = await serve(await nats.connect(), 'sluice.authorize.join.shelf', () => undefined)
    const begun = performance.now()
    expect(await refused(ann, join('shelf:a'))).toMatchObject({ code: 'timeout' })
    expect(performance.now() - begun).toBeLessThan(3000)
    asked.answers(() => ({ payload: ALLOW, headers: { 'Nats-Service-Error-Code': '500' } }))
    expect(await refused(ann, join('shelf:a'))).toMatchObject({ code: 'service_error' })
    await asked.stop()
  })

  test('delays no other room', async ({ stage, cluster: { nats, one } }) => {
    const asked = await serve(await nats.connect(), 'sluice.authorize.join.quiet', () => undefined)
    const ann = await stage.user(one, 'ann')
    ann.send({ ...join('quiet:slow'), id: 1 })
    await ann.join('chat:other')
    expect(ann.frames.some(({ id }) => id === 1)).toBe(false)
    expect(await ann.next(({ id }) => id === 1)).toMatchObject({ code: 'timeout' })
    await asked.stop()
  })
})

describe('a right that ends', () => {
  test('is asked for again, and when it is refused the client is told and hears nothing more', async ({
    stage,
    cluster: { nats, one },
  }) => {
    const asked = await serve(await nats.connect(), 'sluice.authorize.join.log', () => '{"allow":true,"ttlMs":1000}')
    const [ann, ben] = [await stage.user(one, 'ann'), await stage.user(one, 'ben')]
    await ann.ok(join('log:a'))
    await eventually(() => asked.asked.length).toBeGreaterThan(1)
    await ann.settled()
    await ben.ok(publish('log:a', 'still'))
    expect((await ann.message()).data).toBe('still')
    asked.answers(() => '{"allow":false,"reason":"your shift is over"}')
    const removed = await ann.next(({ type }) => type === 'removed')
    expect(removed).toEqual({ type: 'removed', room: 'log:a', code: 'forbidden', reason: 'your shift is over' })
    await ben.ok(publish('log:a', 'gone'))
    await ann.settled()
    expect(ann.dataOf('log:a')).toEqual(['still'])
    expect(await refused(ann, join('log:a'))).toMatchObject({ code: 'forbidden' })
    const count = asked.asked.length
    await ann.settled()
    expect(asked.asked.length).toBe(count)
    asked.answers(() => '{"allow":true,"ttlMs":1000}')
    await ann.ok(join('log:a'))
    await asked.stop()
    expect(await ann.next(({ type }) => type === 'removed')).toMatchObject({ room: 'log:a', code: 'no_service' })
  })
})

describe('a publish that a service decides about', () => {
  test('is asked with its content each time, unless the answer lasts', async ({ stage, cluster: { nats, one } }) => {
    const asked = await serve(await nats.connect(), 'sluice.authorize.publish.board', (message) => {
      const { room, data } = message.json<{ room: string; data?: unknown }>()
      if (data === 'bad') return '{"allow":false,"reason":"language"}'
      return room === 'board:kept' ? '{"allow":true,"ttlMs":60000}' : ALLOW
    })
    const ann = await stage.user(one, 'ann')
    await ann.join('board:a')
    await ann.join('board:kept')
    ann.raw('{"type":"publish","id":1,"room":"board:a","event":"note","data":{ "n": 1.0 }}')
    await ann.next(({ id }) => id === 1)
    expect(asked.asked[0]?.string()).toContain('"data":{ "n": 1.0 }')
    expect(asked.last()).toMatchObject({ user: 'ann', session: ann.session, room: 'board:a', event: 'note' })
    expect(await refused(ann, publish('board:a', 'bad'))).toMatchObject({ code: 'forbidden', message: 'language' })
    await ann.ok({ type: 'publish', room: 'board:a', bytes: 'AP8=' })
    expect(asked.last()).toMatchObject({ bytes: 'AP8=' })
    expect(asked.asked).toHaveLength(3)
    for (let at = 0; at < 5; at++) await ann.ok(publish('board:kept', at))
    expect(asked.asked).toHaveLength(4)
    expect(ann.dataOf('board:a')).toEqual([{ n: 1 }, undefined])
    await asked.stop()
    expect(await refused(ann, publish('board:a', 1))).toMatchObject({ code: 'no_service' })
    await ann.ok(publish('board:kept', 5))
  })

  test('keeps its place, however late its answer comes', async ({ stage, cluster: { nats, one } }) => {
    const asked = await serve(await nats.connect(), 'sluice.authorize.publish.board', async (message) => {
      const { data } = message.json<{ data: number }>()
      await new Promise((resolve) => setTimeout(resolve, (10 - data) * 20))
      return data === 3 ? '{"allow":false}' : ALLOW
    })
    const ann = await stage.user(one, 'ann')
    await ann.join('board:order')
    const answers = await Promise.all(Array.from({ length: 8 }, (_, data) => ann.request(publish('board:order', data))))
    expect(answers.map(({ type }) => type)).toEqual(['ok', 'ok', 'ok', 'error', 'ok', 'ok', 'ok', 'ok'])
    await eventually(() => ann.dataOf('board:order')).toEqual([0, 1, 2, 4, 5, 6, 7])
    await asked.stop()
  })

  test('keeps the bounds of the answer', async ({ stage, cluster: { nats, one } }) => {
    const limits = '{"allow":true,"limits":{"publishesPerSecond":2,"payloadBytesMax":10}}'
    const client = await nats.connect()
    const services = [
      await serve(client, 'sluice.authorize.publish.board', () => limits),
      await serve(client, 'sluice.authorize.join.desk', () => limits),
    ]
    const ann = await stage.user(one, 'ann')
    await ann.join('desk:bounds')
    for (const room of ['board:bounds', 'desk:bounds']) {
      expect(await refused(ann, publish(room, 'x'.repeat(10)))).toMatchObject({ code: 'too_large' })
      const answers = await Promise.all([1, 2, 3].map((data) => ann.request(publish(room, data))))
      expect(answers.map(({ code }) => code)).toEqual([undefined, undefined, 'rate_limited'])
      expect(answers[2]?.retryAfterMs).toBeGreaterThan(0)
    }
    await ann.ok(publish('chat:free', 'x'.repeat(100)))
    for (const one of services) await one.stop()
  })
})

describe('with history', () => {
  const settings = {
    namespaces: { kept: { join: service, publish: service, history: { messages: 100, seconds: 600 } } },
  }

  withStage('the chain stays whole, and nobody reads who may not join', async ({ stage }) => {
    const { nats, gateways } = await historyCluster(stage, { gateways: 1, settings })
    const gateway = gateways[0] as (typeof gateways)[0]
    const client = await nats.connect()
    await serve(client, 'sluice.authorize.publish.kept', async (message) => {
      const { data } = message.json<{ data: number }>()
      await new Promise((resolve) => setTimeout(resolve, 100 - data * 20))
      return ALLOW
    })
    const joins = await serve(client, 'sluice.authorize.join.kept', (message) =>
      message.json<{ user: string }>().user === 'eve' ? '{"allow":false}' : ALLOW,
    )
    const [ann, ben] = [await stage.user(gateway, 'ann'), await stage.user(gateway, 'ben')]
    for (const member of [ann, ben]) await member.ok(join('kept:a'))
    const oks = await Promise.all(
      [0, 1, 2, 3].map((data) => ann.ok({ ...publish('kept:a', data), echo: data % 2 === 0 })),
    )
    expect(oks.map(({ offset }) => offset)).toEqual([1, 2, 3, 4])
    await eventually(() => messagesOf(ben, 'kept:a').map(({ data }) => data)).toEqual([0, 1, 2, 3])
    // A place that an earlier unanswered publish has kept from its `ok` comes as `withheld` [P-16.10].
    const places = messagesOf(ann, 'kept:a')
    const taken = oks.filter(({ prev, offset }) => prev !== undefined && places.every((one) => one.offset !== offset))
    const chain = [...places, ...taken].toSorted((a, b) => Number(a.offset) - Number(b.offset))
    expect([chain.length, brokenLinks(chain, 0)]).toEqual([4, []])
    const eve = await stage.user(gateway, 'eve')
    expect(await refused(eve, { type: 'history', room: 'kept:a', limit: 10 })).toMatchObject({ code: 'forbidden' })
    const count = joins.asked.length
    expect((await ben.ok({ type: 'history', room: 'kept:a', limit: 10 })).messages).toHaveLength(4)
    expect(joins.asked).toHaveLength(count)
  })
})

describe('with presence', () => {
  const settings = {
    namespaces: { seen: { join: service, publish: anyone, presence: true } },
    presence: { lingerMs: 0 },
  }

  withStage('`info` of the answer is shown, and nobody sees who may not join', async ({ stage }) => {
    const nats = await stage.nats()
    await stage.router(nats, { SLUICE_NAMESPACES: JSON.stringify(settings.namespaces) })
    const gateway = await stage.gateway(nats, { settings })
    const asked = await serve(await nats.connect(), 'sluice.authorize.join.seen', (message) => {
      const { user } = message.json<{ user: string }>()
      return user === 'eve' ? '{"allow":false}' : `{"allow":true,"ttlMs":1000,"info":{"role":"${user}-role"}}`
    })
    const [ann, eve] = [
      await stage.user(gateway, 'ann', { grants: { info: 'token' } }),
      await stage.user(gateway, 'eve'),
    ]
    const { members } = await ann.ok({ ...join('seen:a'), presence: true })
    expect(members).toEqual([{ user: 'ann', info: { role: 'ann-role' }, connections: 1 }])
    expect(await refused(eve, { type: 'presence', room: 'seen:a' })).toMatchObject({ code: 'forbidden' })
    const ben = await stage.user(gateway, 'ben')
    expect(await ben.ok({ type: 'presence', room: 'seen:a' })).toMatchObject({ count: 1 })
    await ben.ok(join('seen:a'))
    await ann.next(({ type }) => type === 'joined')
    asked.answers(() => '{"allow":false}')
    expect(await ben.next(({ type }) => type === 'removed')).toMatchObject({ room: 'seen:a', code: 'forbidden' })
  })

  withStage('case 46: a close during a pending authorisation leaves nothing behind', async ({ stage }) => {
    const nats = await stage.nats()
    await stage.router(nats, { SLUICE_NAMESPACES: JSON.stringify(settings.namespaces) })
    const gateway = await stage.gateway(nats, { settings })
    const release: (() => void)[] = []
    const asked = await serve(
      await nats.connect(),
      'sluice.authorize.join.seen',
      () => new Promise((resolve) => release.push(() => resolve(ALLOW))),
    )
    const look = async () => {
      const metrics = await gateway.metrics()
      return ['connections', 'rooms', 'users', 'nats_subscriptions', 'presence_rooms', 'presence_watched_rooms'].map(
        (name) => [name, metrics.value(name)] as const,
      )
    }
    const first = await stage.user(gateway, 'first')
    first.send({ ...join('seen:warm'), presence: true, id: 1 })
    await eventually(() => release.length).toBe(1)
    release[0]?.()
    await first.next(({ id }) => id === 1)
    await first.leave()
    // What is left when the subscriptions of empty rooms have gone: of the gateway's connections, and of its questions.
    await eventually(look, 20_000).toContainEqual(['nats_subscriptions', 2])
    await eventually(look).toContainEqual(['presence_rooms', 0])
    const before = await look()
    const clients = await Promise.all(Array.from({ length: 20 }, (_, at) => stage.user(gateway, `user-${at}`)))
    for (const client of clients) client.send({ ...join('seen:leak'), presence: true, id: 1 })
    await eventually(() => asked.asked.length).toBe(21)
    await Promise.all(clients.map((client) => client.leave()))
    await eventually(async () => (await gateway.metrics()).value('connections')).toBe(0)
    for (const answer of release) answer()
    await eventually(look, 20_000).toEqual(before)
    const last = await stage.user(gateway, 'last')
    last.send({ ...join('seen:leak'), presence: true, id: 1 })
    await eventually(() => release.length).toBe(22)
    release[21]?.()
    expect(await last.next(({ id }) => id === 1)).toMatchObject({ type: 'ok', count: 1 })
  })
})

describe('a sign-in that a service decides about', () => {
  const settings = { auth: { service: true, anonymous: true, clockToleranceMs: 0 } }

  withStage('is closed with 4003 where it is refused and 1013 where nobody answers', async ({ stage }) => {
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats, { settings })
    const token = await makeToken('ann', { claims: { tier: 3 } })
    const open = () => stage.open(gateway, { token })
    expect((await (await open()).closed).code).toBe(1013)
    const asked = await serve(await nats.connect(), 'sluice.authorize.connect', () => undefined)
    expect((await (await open()).closed).code).toBe(1013)
    const reason = '😀'.repeat(100)
    asked.answers(() => JSON.stringify({ allow: false, reason }))
    expect(await (await open()).closed).toEqual({ code: 4003, reason: '😀'.repeat(30) })
    asked.answers(() => ALLOW)
    const ann = await open()
    await ann.welcome()
    expect(asked.last()).toEqual({ user: 'ann', session: ann.session, claims: expect.objectContaining({ tier: 3 }) })
    const later = await stage.open(gateway, { token, by: 'frame' })
    await later.welcome()
    const nobody = await stage.open(gateway)
    nobody.send({ type: 'auth', token, id: 1 })
    await nobody.welcome()
    expect(asked.asked).toHaveLength(5)
  })

  withStage('is asked again when the answer ends, and at a refresh', async ({ stage }) => {
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats, { settings })
    const asked = await serve(await nats.connect(), 'sluice.authorize.connect', () => '{"allow":true,"ttlMs":1000}')
    const ann = await stage.user(gateway, 'ann')
    await eventually(() => asked.asked.length).toBeGreaterThan(1)
    asked.answers((message) =>
      message.json<{ claims: { tier?: number } }>().claims.tier === 3 ? '{"allow":false}' : ALLOW,
    )
    const token = await makeToken('ann', { claims: { tier: 3 } })
    expect(await ann.refused({ type: 'auth', token })).toBe('forbidden')
    await ann.join('chat:still')
    asked.answers(() => '{"allow":true,"ttlMs":1000}')
    await ann.ok({ type: 'auth', token })
    asked.answers(() => '{"allow":false,"reason":"blocked"}')
    expect(await ann.closed).toEqual({ code: 4003, reason: 'blocked' })
  })
})
