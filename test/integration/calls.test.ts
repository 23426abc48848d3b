import { describe, expect } from 'vitest'
import type { Client } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { secret } from '../harness/secrets.ts'
import { serve } from '../harness/service.ts'
import { testWithCluster, test as withStage } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const test = testWithCluster({ settings: { auth: { anonymous: true, grants: { call: ['*'] } } } })

const call = (method: string, data: unknown = 1) => ({ type: 'call', method, data })

/** Refusals by their error frame. */
async function refused(client: Client, frame: object): Promise<Record<string, unknown>> {
  const answer = await client.request(frame)
  if (answer.type !== 'error') throw new Error(JSON.stringify(answer))
  return answer
}

describe('a call', () => {
  test('becomes a request, and its reply the answer, byte for byte', async ({ stage, cluster: { nats, one } }) => {
    const service = await serve(
      await nats.connect(),
      'sluice.call.orders.create',
      () => '{ "n":1.00, "id":12345678901234567890 }',
    )
    const ann = await stage.user(one, 'ann')
    ann.raw('{"type":"call","id":1,"method":"orders.create","data":{ "sum": 1.50 }}')
    await ann.next(({ id }) => id === 1)
    expect(service.asked[0]?.string()).toBe('{ "sum": 1.50 }')
    const packed = await stage.user(one, 'ben', { encoding: 'msgpack' })
    expect(await packed.ok(call('orders.create', { sum: 2 }))).toMatchObject({ data: { n: 1 } })
    expect(service.last()).toEqual({ sum: 2 })
  })

  test('carries user, session and claims, which the gateway alone sets', async ({ stage, cluster: { nats, one } }) => {
    const service = await serve(await nats.connect(), 'sluice.call.who', () => 'null')
    const token = await makeToken('änn b', { claims: { name: 'Änn\u2028', tier: 3 } })
    const ann = await stage.open(one, { token })
    await ann.welcome()
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await ann.ok({
      ...call('who'),
      traceparent: trace,
      timeoutMs: 4000,
      from: 'eve',
      session: 'x.1',
      headers: { 'Sluice-From': 'eve' },
      'Sluice-From': 'eve',
      claims: { sub: 'eve' },
    })
    const { headers } = service.asked[0] ?? {}
    expect(headers?.get('Sluice-From')).toBe('=C3=A4nn=20b')
    expect(headers?.get('Sluice-Session')).toBe(ann.session.replace('.', '=2E'))
    expect(headers?.get('Sluice-Deadline-Ms')).toBe('4000')
    expect(headers?.get('Content-Type')).toBe('application/json')
    expect(headers?.get('traceparent')).toBe(trace)
    const claims = headers?.get('Sluice-Claims') ?? ''
    expect(claims).toMatch(/^[\x20-\x7e]*$/)
    expect(JSON.parse(claims)).toMatchObject({ sub: 'änn b', name: 'Änn\u2028', tier: 3, exp: expect.any(Number) })
    expect(headers?.keys().toSorted()).toEqual(
      [
        'Content-Type',
        'Sluice-Claims',
        'Sluice-Deadline-Ms',
        'Sluice-From',
        'Sluice-Session',
        'traceparent',
      ].toSorted(),
    )
    await ann.ok({ ...call('who'), traceparent: 'x' })
    expect(service.asked[1]?.headers?.has('traceparent')).toBe(false)
  })

  test('of an anonymous user carries no claims', async ({ stage, cluster: { nats, one } }) => {
    const service = await serve(await nats.connect(), 'sluice.call.nobody', () => '1')
    const client = await stage.open(one)
    client.send({ type: 'ping', id: 'x' })
    await client.welcome()
    await client.ok(call('nobody'))
    expect(service.asked[0]?.headers?.has('Sluice-Claims')).toBe(false)
    expect(service.asked[0]?.headers?.get('Sluice-From')).toBe(`=7E${client.session.replace('.', '=2E')}`)
  })

  test('takes and gives bytes', async ({ stage, cluster: { nats, one } }) => {
    const bytes = Buffer.from([0, 0xff, 0xc3, 0x28])
    const reply = { payload: bytes, headers: { 'Content-Type': 'application/octet-stream' } }
    const service = await serve(await nats.connect(), 'sluice.call.bytes', () => reply)
    const text = await stage.user(one, 'ann')
    const sent = { type: 'call', method: 'bytes', bytes: bytes.toString('base64') }
    expect(await text.ok(sent)).toMatchObject({ bytes: bytes.toString('base64') })
    expect(Buffer.from(service.asked[0]?.data ?? [])).toEqual(bytes)
    expect(service.asked[0]?.headers?.get('Content-Type')).toBe('application/octet-stream')
    const packed = await stage.user(one, 'ben', { encoding: 'msgpack' })
    expect(Buffer.from((await packed.ok(call('bytes', bytes))).data as Uint8Array)).toEqual(bytes)
  })

  test('that nobody answers is told at once', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    const begun = performance.now()
    expect(await refused(ann, call('nobody.here'))).toMatchObject({ code: 'no_service' })
    expect(performance.now() - begun).toBeLessThan(1000)
  })

  test('that is answered too late is a timeout, and delays nothing else', async ({ stage, cluster: { nats, one } }) => {
    await serve(await nats.connect(), 'sluice.call.silent', () => undefined)
    const ann = await stage.user(one, 'ann')
    ann.send({ ...call('silent'), id: 1, timeoutMs: 700 })
    ann.send({ ...call('silent'), timeoutMs: 5000 })
    await ann.ok({ type: 'join', room: 'chat:meanwhile' })
    expect((await refused(ann, call('nobody.here'))).code).toBe('no_service')
    expect(ann.frames.some(({ id }) => id === 1)).toBe(false)
    expect(await ann.next(({ id }) => id === 1)).toMatchObject({ type: 'error', code: 'timeout' })
  })

  test('brings the error of the service, bounded', async ({ stage, cluster: { nats, one } }) => {
    const service = await serve(await nats.connect(), 'sluice.call.broken', () => undefined)
    const failing = (payload: string, text = 'sold out') =>
      service.answers(() => ({
        payload,
        headers: { 'Nats-Service-Error-Code': '409', 'Nats-Service-Error': text },
      }))
    const ann = await stage.user(one, 'ann')
    failing('{"left":0}')
    expect(await refused(ann, call('broken'))).toMatchObject({
      code: 'service_error',
      message: 'sold out',
      details: { left: 0 },
    })
    for (const body of ['', 'no json', `"${'x'.repeat(5000)}"`, '['.repeat(300) + ']'.repeat(300)]) {
      failing(body, 'y'.repeat(3000))
      const answer = await refused(ann, call('broken'))
      expect(answer).not.toHaveProperty('details')
      expect(answer.message).toBe('y'.repeat(256))
    }
  })

  test('whose reply is neither JSON nor bytes is an error', async ({ stage, cluster: { nats, one } }) => {
    const service = await serve(await nats.connect(), 'sluice.call.unfit', () => '')
    const ann = await stage.user(one, 'ann')
    for (const reply of ['', 'no json', Buffer.from([0x22, 0xff, 0x22]), '['.repeat(300) + ']'.repeat(300)]) {
      service.answers(() => reply)
      expect((await refused(ann, call('unfit'))).code).toBe('service_error')
    }
  })

  test('needs a grant, and a method that is one', async ({ stage }) => {
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats, { settings: { auth: { grants: {} } } })
    await serve(await nats.connect(), 'sluice.>', () => '1')
    const ann = await stage.user(gateway, 'ann', { grants: { call: ['notes.{user}.get'] } })
    await ann.ok(call('notes.ann.get'))
    for (const method of ['notes.ben.get', 'notes.ann', 'notes.ann.get.all']) {
      expect((await refused(ann, call(method))).code).toBe('forbidden')
    }
    const root = await stage.user(gateway, 'root', { grants: { call: ['*'] } })
    for (const method of ['a..b', '.a', 'a.*', 'a*']) {
      expect((await refused(root, call(method))).code).toBe('bad_request')
    }
    await root.ok(call('> x.größe'))
  })

  test('goes to one of those that share a queue group', async ({ stage, cluster: { nats, one } }) => {
    const [first, second] = [await nats.connect(), await nats.connect()]
    const workers = [
      await serve(first, 'sluice.call.shared', () => '1', 'workers'),
      await serve(second, 'sluice.call.shared', () => '1', 'workers'),
    ]
    const ann = await stage.user(one, 'ann')
    for (let at = 0; at < 40; at++) await ann.ok(call('shared'))
    const counts = workers.map(({ asked }) => asked.length)
    expect(counts[0]! + counts[1]!).toBe(40)
    expect(Math.min(...counts)).toBeGreaterThan(0)
  })
})

describe('calls under way', () => {
  test('are bounded for each connection', async ({ stage, cluster: { nats, one } }) => {
    const service = await serve(await nats.connect(), 'sluice.call.held', () => undefined)
    const ann = await stage.user(one, 'ann')
    for (let at = 0; at < 100; at++) ann.send({ ...call('held'), timeoutMs: 1500 })
    await eventually(() => service.asked.length).toBe(64)
    expect(await refused(ann, { ...call('held'), timeoutMs: 100 })).toMatchObject({ code: 'timeout' })
    expect(service.asked.length).toBeGreaterThan(64)
  })

  test('end with their connection at once', async ({ stage, cluster: { nats, one } }) => {
    const service = await serve(await nats.connect(), 'sluice.call.left', () => undefined)
    const ann = await stage.user(one, 'ann')
    const before = (await one.metrics()).value('calls_total', { result: 'forgotten' })
    for (let at = 0; at < 10; at++) ann.send({ ...call('left'), timeoutMs: 60_000 })
    await eventually(() => service.asked.length).toBe(10)
    await ann.leave()
    await eventually(async () => (await one.metrics()).value('calls_total', { result: 'forgotten' })).toBe(before + 10)
  })
})

withStage('a call while NATS is away is unavailable', async ({ stage }) => {
  const nats = await stage.nats()
  const gateway = await stage.gateway(nats, { settings: { auth: { grants: { call: ['*'] } } } })
  const ann = await stage.user(gateway, 'ann')
  await nats.stop()
  await gateway.logged('NATS is away')
  expect((await refused(ann, call('any'))).code).toBe('unavailable')
})

withStage('a call that NATS does not permit is forbidden', async ({ stage }) => {
  const password = secret('a password for calls')
  const nats = await stage.nats({
    lines: [
      `authorization { users: [{ user: "sluice", password: "${password}", permissions: { publish: { deny: "sluice.call.>" } } }] }`,
    ],
  })
  const settings = { nats: { user: 'sluice', password }, auth: { grants: { call: ['*'] } } }
  const gateway = await stage.gateway(nats, { settings, expectErrors: true })
  const ann = await stage.user(gateway, 'ann')
  expect((await refused(ann, call('any'))).code).toBe('forbidden')
})
