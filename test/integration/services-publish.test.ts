// What services publish through the routers' API. Two routers hear every request and both owners of a shard act, so whatever arrives
// twice, is stored twice or is answered differently shows here.
import { headers } from '@nats-io/transport-node'
import { describe, expect } from 'vitest'
import type { Frame } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { api, SERVICE_SETTINGS, type ServiceAnswer, serviceCluster, testWithServices } from '../harness/services.ts'
import { test as plain } from '../harness/stage.ts'

const test = testWithServices({
  ...SERVICE_SETTINGS,
  inbox: { history: { messages: 100, seconds: 3600 } },
})

const messages = (frames: readonly Frame[]): Frame[] => frames.filter(({ type }) => type === 'message')

describe('a publish', () => {
  test('into a room without history reaches each member once', async ({ stage, cluster: { one, two, client } }) => {
    const ann = await (await stage.user(one, 'ann')).join('p-live')
    const ben = await (await stage.user(two, 'ben')).join('p-live')
    for (let data = 0; data < 50; data++)
      expect(await api(client, 'publish', { room: 'p-live', data, event: 'tick' })).toEqual({})
    for (const member of [ann, ben]) {
      await eventually(() => member.dataOf('p-live').at(-1)).toBe(49)
      await member.settled()
      expect(member.dataOf('p-live')).toEqual(Array.from({ length: 50 }, (_, at) => at))
      expect(messages(member.frames)[0]).toEqual({ type: 'message', room: 'p-live', event: 'tick', data: 0 })
    }
  })

  test('into a room with history is stored once, and answered with its place', async ({ stage, cluster }) => {
    const { one, two, client } = cluster
    const ann = await stage.user(one, 'ann')
    const ok = await ann.ok({ type: 'join', room: 'chat:p' })
    const ben = await (await stage.user(two, 'ben')).join('chat:p')
    const answers: ServiceAnswer[] = []
    for (let data = 0; data < 20; data++) answers.push(await api(client, 'publish', { room: 'chat:p', data }))
    for (const answer of answers) expect(answer).toEqual({ offset: expect.any(Number), epoch: ok.epoch })
    const offsets = answers.map(({ offset }) => offset)
    expect(new Set(offsets).size).toBe(20)
    for (const member of [ann, ben]) {
      await eventually(() => member.dataOf('chat:p').at(-1)).toBe(19)
      expect(messages(member.frames).map(({ offset }) => offset)).toEqual(offsets)
    }
  })

  test('with a key is stored once for each room, and a later one with it is told so', async ({ cluster }) => {
    const { client } = cluster
    const first = await api(client, 'publish', { room: 'chat:k', data: 1, key: 'order 7' })
    expect(first).toEqual({ offset: expect.any(Number), epoch: expect.any(String) })
    const other = await api(client, 'publish', { room: 'chat:k2', data: 1, key: 'order 7' })
    expect(other.duplicate).toBeUndefined()
    for (let round = 0; round < 5; round++)
      expect(await api(client, 'publish', { room: 'chat:k', data: 2, key: 'order 7' })).toEqual({
        ...first,
        duplicate: true,
      })
  })

  test('asked again under its request id is done once and answered alike', async ({ stage, cluster }) => {
    const { one, client } = cluster
    const ann = await (await stage.user(one, 'ann')).join('p-again')
    await ann.join('chat:again')
    const again = { id: 'req 1' }
    const first = await api(client, 'publish', { room: 'chat:again', data: 1 }, again)
    expect(await api(client, 'publish', { room: 'chat:again', data: 1 }, again)).toEqual(first)
    for (let round = 0; round < 3; round++) {
      expect(await api(client, 'publish', { room: 'p-again', data: 1 }, again)).toEqual({})
    }
    expect(await api(client, 'publish', { room: 'p-again', data: 2 })).toEqual({})
    await eventually(() => ann.dataOf('p-again')).toEqual([1, 2])
    expect(ann.dataOf('chat:again')).toEqual([1])
  })

  test('to a user is stored in the inbox, or live with ephemeral; to a session it is live', async ({
    stage,
    cluster,
  }) => {
    const { one, two, client } = cluster
    const ann = await stage.user(one, 'u-ann')
    await ann.ok({ type: 'join', user: 'u-ann' })
    const other = await stage.user(two, 'u-ann')
    await other.ok({ type: 'join', user: 'u-ann' })
    expect(await api(client, 'publish', { user: 'u-ann', data: 'kept' })).toMatchObject({ offset: expect.any(Number) })
    expect(await api(client, 'publish', { user: 'u-ann', data: 'live', ephemeral: true })).toEqual({})
    expect(await api(client, 'publish', { session: ann.session, data: 'mine' })).toEqual({})
    for (const member of [ann, other]) {
      expect(await member.next(({ data }) => data === 'kept')).toMatchObject({
        user: 'u-ann',
        offset: expect.any(Number),
      })
      expect((await member.next(({ data }) => data === 'live')).offset).toBeUndefined()
    }
    expect(await ann.next(({ data }) => data === 'mine')).toEqual({ type: 'message', user: 'u-ann', data: 'mine' })
    await other.settled()
    expect(other.frames.some(({ data }) => data === 'mine')).toBe(false)
  })

  test('to lists goes to each of them once, and is counted', async ({ stage, cluster: { one, two, client } }) => {
    const ann = await stage.user(one, 'b-ann')
    for (const room of ['b-1', 'b-2', 'chat:b']) await ann.join(room)
    const ben = await stage.user(two, 'b-ben')
    await ben.ok({ type: 'join', user: 'b-ben' })
    const rooms = ['b-1', 'b-2', 'chat:b', 'default:b-1']
    expect(await api(client, 'publish', { rooms, data: 'all' })).toEqual({ published: 3 })
    for (const room of ['b-1', 'b-2', 'chat:b']) await eventually(() => ann.dataOf(room)).toEqual(['all'])
    expect(await api(client, 'publish', { users: ['b-ben', 'b-cid'], data: 'both' })).toEqual({ published: 2 })
    expect(await ben.message()).toMatchObject({ user: 'b-ben', data: 'both' })
    const many = Array.from({ length: 1000 }, (_, at) => `chat:many-${at}`)
    expect(await api(client, 'publish', { rooms: many, data: 1 }, { timeoutMs: 10_000 })).toEqual({ published: 1000 })
  })

  test('keeps data as it was written, and carries bytes', async ({ stage, cluster: { one, client } }) => {
    const ann = await (await stage.user(one, 'w-ann')).join('p-written')
    const raw = '{"room":"p-written","data": [1.0, 12345678901234567890, "\\u00e9"] }'
    await client.request('sluice.api.publish', raw)
    await ann.message()
    await api(client, 'publish', { room: 'p-written', data: null })
    expect(await ann.message()).toEqual({ type: 'message', room: 'p-written', data: null })
    await api(client, 'publish', { room: 'p-written', bytes: 'AP8=' })
    expect(await ann.message()).toEqual({ type: 'message', room: 'p-written', bytes: 'AP8=' })
  })

  test('case 60: is kept from a session or a user, of whom stored ones keep the chain', async ({ stage, cluster }) => {
    const { one, client } = cluster
    const ann = await (await stage.user(one, 'x-ann')).join('chat:x')
    const ben = await (await stage.user(one, 'x-ben')).join('chat:x')
    await ann.join('x-live')
    await ben.join('x-live')
    const stored = await api(client, 'publish', { room: 'chat:x', data: 1, exclude: { session: ann.session } })
    expect(await ann.message()).toMatchObject({ withheld: true, offset: stored.offset })
    expect(await ben.message()).toMatchObject({ data: 1, offset: stored.offset })
    await api(client, 'publish', { room: 'x-live', data: 2, exclude: { user: 'x-ben' } })
    expect(await ann.message()).toMatchObject({ room: 'x-live', data: 2 })
    await ben.settled()
    expect(ben.dataOf('x-live')).toEqual([])
  })

  test.for([
    ['two targets', { room: 'a', user: 'b', data: 1 }, 'bad_request'],
    ['no payload', { room: 'a' }, 'bad_request'],
    ['two payloads', { room: 'a', data: 1, bytes: 'AP8=' }, 'bad_request'],
    ['bytes that are no base64', { room: 'a', bytes: 'AP8' }, 'bad_request'],
    ['an event with a space', { room: 'a', data: 1, event: 'a b' }, 'bad_request'],
    ['a key with white space at its end', { room: 'a', data: 1, key: ' a' }, 'bad_request'],
    ['a wildcard', { room: 'chat:*', data: 1 }, 'bad_request'],
    ['an empty list', { rooms: [], data: 1 }, 'bad_request'],
    ['an unknown namespace', { room: 'nowhere:a', data: 1 }, 'unknown_namespace'],
    ['a payload that no gateway delivers', { room: 'a', data: 'x'.repeat(262_144) }, 'too_large'],
  ] as const)('with %s is refused', async ([, request, code], { cluster: { client } }) => {
    expect((await api(client, 'publish', request)).code).toBe(code)
  })
})

describe('a receipt', () => {
  test('tells on how many gateways and connections a message was, and comes at once', async ({ stage, cluster }) => {
    const { one, two, client } = cluster
    const members = [await stage.user(one, 'r-1'), await stage.user(one, 'r-2'), await stage.user(two, 'r-3')]
    for (const room of ['r-room', 'chat:r']) for (const member of members) await member.join(room)
    const all = { gateways: 2, connections: 3, written: 3, skipped: 0 }
    for (const room of ['r-room', 'chat:r']) {
      const startedAt = performance.now()
      expect((await api(client, 'publish', { room, data: 1, receipt: true })).receipt).toEqual(all)
      expect(performance.now() - startedAt).toBeLessThan(900)
    }
    const exclude = { user: 'r-3' }
    expect(await api(client, 'publish', { room: 'r-room', data: 1, exclude, receipt: true })).toEqual({
      receipt: { gateways: 1, connections: 2, written: 2, skipped: 0 },
    })
    expect(await api(client, 'publish', { rooms: ['r-room', 'chat:r'], data: 1, receipt: true })).toEqual({
      published: 2,
      receipt: { ...all, connections: 6, written: 6 },
    })
  })

  test('of a user or a session counts connections; of nobody it is all zeros', async ({ stage, cluster }) => {
    const { one, two, client } = cluster
    const ann = await stage.user(one, 'rs-ann')
    await ann.ok({ type: 'join', user: 'rs-ann' })
    await (await stage.user(two, 'rs-ann')).ok({ type: 'join', user: 'rs-ann' })
    const receiptOf = async (request: object): Promise<unknown> =>
      (await api(client, 'publish', { data: 1, receipt: true, ...request })).receipt
    expect(await receiptOf({ user: 'rs-ann' })).toEqual({ gateways: 2, connections: 2, written: 2, skipped: 0 })
    expect(await receiptOf({ session: ann.session })).toEqual({ gateways: 1, connections: 1, written: 1, skipped: 0 })
    const nobody = { gateways: 0, connections: 0, written: 0, skipped: 0 }
    for (const request of [{ room: 'r-empty' }, { user: 'rs-nobody' }, { session: `${ann.session}999` }])
      expect(await receiptOf(request)).toEqual(nobody)
    const again = { room: 'chat:r-key', key: 'k' }
    await receiptOf(again)
    expect(await receiptOf(again)).toEqual(nobody)
  })

  test('goes nowhere but to a subject of receipts, whatever a publisher writes', async ({ stage, cluster }) => {
    const { one, client } = cluster
    const ann = await (await stage.user(one, 'rf-ann')).join('r-forged')
    const told: string[] = []
    client.subscribe('>', { callback: (_, { subject }) => void told.push(subject) })
    for (const id of ['sluice.api.disconnect', 'a b', 'mine-1']) {
      const marked = headers()
      marked.set('Sluice-Receipt', id)
      client.publish('sluice.room.default.r-forged', '1', { headers: marked })
      await ann.message()
    }
    await eventually(() => told.filter((subject) => subject.startsWith('sluice.ctl.receipt'))).toEqual([
      'sluice.ctl.receipt.mine-1',
    ])
    expect(told.filter((subject) => subject.startsWith('sluice.api'))).toEqual([])
  })
})

plain('a receipt waits for a frozen gateway in bounds', async ({ stage }) => {
  const { one, two, client } = await serviceCluster(stage)
  await (await stage.user(one, 'ann')).join('lobby')
  await (await stage.user(two, 'ben')).join('lobby')
  await eventually(async () => (await api(client, 'gateways', {})).gateways).toHaveLength(2)
  two.child.signal('SIGSTOP')
  const startedAt = performance.now()
  expect(await api(client, 'publish', { room: 'lobby', data: 1, receipt: true })).toEqual({
    receipt: { gateways: 1, connections: 1, written: 1, skipped: 0 },
  })
  const tookMs = performance.now() - startedAt
  expect(tookMs).toBeGreaterThan(900)
  expect(tookMs).toBeLessThan(2000)
  two.child.signal('SIGCONT')
})
