// What services do to connections with nothing but NATS: close them, put them into rooms, take them out, move them. On real
// processes: two routers, both of which hear every request, and two gateways.
import { describe, expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { brokenLinks, messagesOf } from '../harness/history.ts'
import { api, serviceCluster, testWithServices } from '../harness/services.ts'
import { test as plain } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const test = testWithServices()

describe('case 58: disconnect', () => {
  test('closes all connections of a user, on whatever gateway, and counts them', async ({ stage, cluster }) => {
    const { one, two, client } = cluster
    const anns = [await stage.user(one, 'd-ann'), await stage.user(two, 'd-ann'), await stage.user(two, 'd-ann')]
    const ben = await stage.user(one, 'd-ben')
    expect(await api(client, 'disconnect', { user: 'd-ann', reason: 'banned' })).toEqual({
      connections: 3,
      gateways: 2,
    })
    for (const ann of anns) expect(await ann.closed).toEqual({ code: 4005, reason: 'banned' })
    await ben.settled()
    expect(await api(client, 'disconnect', { user: 'd-ann' })).toEqual({ connections: 0, gateways: 0 })
  })

  test('closes one connection by its session', async ({ stage, cluster: { one, two, client } }) => {
    const ann = await stage.user(one, 's-ann')
    const other = await stage.user(two, 's-ann')
    expect(await api(client, 'disconnect', { session: ann.session })).toEqual({ connections: 1, gateways: 1 })
    expect(await ann.closed).toEqual({ code: 4005, reason: 'disconnected by a service' })
    await other.settled()
    for (const session of [ann.session, 'nobody.1'])
      expect(await api(client, 'disconnect', { session })).toEqual({ connections: 0, gateways: 0 })
  })

  test('closes all that have signed in with a token, by its id', async ({ stage, cluster: { one, two, client } }) => {
    const token = await makeToken('t-ann', { claims: { jti: 'to.ken 1' } })
    const clients = await Promise.all([one, two].map((gateway) => stage.open(gateway, { token })))
    for (const opened of clients) await opened.welcome()
    const other = await stage.user(one, 't-ann')
    expect(await api(client, 'disconnect', { token: 'to.ken 1' })).toEqual({ connections: 2, gateways: 2 })
    for (const opened of clients) expect((await opened.closed).code).toBe(4005)
    await other.settled()
  })

  test('spares those whose token is not older than it says', async ({ stage, cluster: { one, client } }) => {
    const now = Math.floor(Date.now() / 1000)
    const ann = await stage.user(one, 'n-ann')
    expect(await api(client, 'disconnect', { user: 'n-ann', notBefore: now - 60 })).toEqual({
      connections: 0,
      gateways: 0,
    })
    await ann.settled()
    expect(await api(client, 'disconnect', { user: 'n-ann', notBefore: now + 60 })).toMatchObject({ connections: 1 })
  })

  test('is done once for each request id, and answered alike', async ({ stage, cluster: { one, client } }) => {
    const first = await stage.user(one, 'i-ann')
    const answer = { connections: 1, gateways: 1 }
    expect(await api(client, 'disconnect', { user: 'i-ann' }, { id: 'ban 7' })).toEqual(answer)
    expect((await first.closed).code).toBe(4005)
    const second = await stage.user(one, 'i-ann')
    expect(await api(client, 'disconnect', { user: 'i-ann' }, { id: 'ban 7' })).toEqual(answer)
    await second.settled()
    expect(await api(client, 'disconnect', { user: 'i-ann' }, { id: 'ban 8' })).toEqual(answer)
    expect((await second.closed).code).toBe(4005)
  })

  test.for([
    [{}, 'user, session or token: exactly one of them is needed'],
    [{ user: 'a', token: 'b' }, 'user, session or token: exactly one of them is needed'],
    [{ user: '*' }, 'user: a user is needed'],
    [{ session: 'a.1', notBefore: 1 }, 'notBefore: a session has one connection only, so nothing later is refused'],
    [{ user: 'a', reason: 'x'.repeat(124) }, 'reason: a text of at most 123 bytes is needed'],
  ] as const)('refuses %j', async ([request, message], { cluster: { client } }) => {
    expect(await api(client, 'disconnect', request)).toEqual({ code: 'bad_request', message })
  })
})

describe('join', () => {
  test('makes the connections of a user members, whatever their grants say', async ({ stage, cluster }) => {
    const { one, two, client } = cluster
    const anns = [await stage.user(one, 'j-ann'), await stage.user(two, 'j-ann')]
    expect(await anns[0]?.refused({ type: 'join', room: 'private:j' })).toBe('forbidden')
    expect(await api(client, 'join', { user: 'j-ann', room: 'private:j' })).toEqual({ connections: 2 })
    for (const ann of anns) {
      expect(await ann.next(({ type }) => type === 'added')).toEqual({ type: 'added', room: 'private:j' })
      expect(await ann.refused({ type: 'publish', room: 'private:j', data: 1 })).toBe('forbidden')
    }
    client.publish('sluice.room.private.j', '"hello"')
    for (const ann of anns) expect(await ann.message()).toMatchObject({ room: 'private:j', data: 'hello' })
    await eventually(async () => (await api(client, 'presence', { room: 'private:j' })).members).toEqual([
      { user: 'j-ann', connections: 2 },
    ])
    expect(await api(client, 'join', { user: 'j-ann', room: 'private:j' })).toEqual({ connections: 0 })
  })

  test('into a room with a history tells from where, and misses nothing from there on', async ({ stage, cluster }) => {
    const { one, client } = cluster
    const ann = await stage.user(one, 'h-ann')
    const before = await client.request('sluice.pub.room.chat.h', '0')
    const { seq } = before.json<{ seq: number }>()
    const joining = api(client, 'join', { session: ann.session, room: 'chat:h' })
    for (let data = 1; data <= 10; data++) client.publish('sluice.pub.room.chat.h', `${data}`)
    expect(await joining).toEqual({ connections: 1 })
    const added = await ann.next(({ type }) => type === 'added')
    expect(added).toMatchObject({ room: 'chat:h', epoch: expect.any(String), offset: expect.any(Number) })
    expect(added.offset).toBeGreaterThanOrEqual(seq)
    for (let data = 11; data <= 20; data++) client.publish('sluice.pub.room.chat.h', `${data}`)
    await eventually(() => ann.dataOf('chat:h').at(-1)).toBe(20)
    expect(ann.frames.findIndex(({ type }) => type === 'message')).toBeGreaterThan(
      ann.frames.findIndex(({ type }) => type === 'added'),
    )
    expect(brokenLinks(messagesOf(ann, 'chat:h'), Number(added.offset))).toEqual([])
  })

  test('keeps its order with what the client asks itself', async ({ stage, cluster: { one, client } }) => {
    const ann = await stage.user(one, 'o-ann')
    await ann.join('o-room')
    expect(await api(client, 'join', { user: 'o-ann', room: 'o-room' })).toEqual({ connections: 0 })
    expect(await api(client, 'leave', { user: 'o-ann', room: 'default:o-room' })).toEqual({ connections: 1 })
    expect(await ann.request({ type: 'join', room: 'o-room' })).toMatchObject({ type: 'ok' })
    expect(ann.frames.filter(({ type }) => type === 'added')).toEqual([])
  })

  test('of someone who is not there is no error, and an unknown namespace has no members', async ({ cluster }) => {
    expect(await api(cluster.client, 'join', { user: 'nobody', room: 'lobby' })).toEqual({ connections: 0 })
    expect(await api(cluster.client, 'join', { session: 'gone.7', room: 'lobby' })).toEqual({ connections: 0 })
    expect(await api(cluster.client, 'join', { user: 'nobody' })).toMatchObject({ code: 'bad_request' })
  })
})

describe('leave', () => {
  test('takes a user out of a room, who is told so and seen to leave at once', async ({ stage, cluster }) => {
    const { one, two, client } = cluster
    const anns = [await stage.user(one, 'l-ann'), await stage.user(two, 'l-ann')]
    for (const ann of anns) await ann.join('l-room')
    const ben = await stage.user(two, 'l-ben')
    await ben.ok({ type: 'join', room: 'l-room', presence: true })
    expect(await api(client, 'leave', { user: 'l-ann', room: 'l-room', reason: 'moderated' })).toEqual({
      connections: 2,
    })
    for (const ann of anns) {
      expect(await ann.next(({ type }) => type === 'removed')).toEqual({
        type: 'removed',
        room: 'l-room',
        code: 'forbidden',
        reason: 'moderated',
      })
    }
    expect(await ben.next(({ type }) => type === 'left', 4000)).toMatchObject({ member: { user: 'l-ann' } })
    client.publish('sluice.room.default.l-room', '1')
    await ben.message()
    for (const ann of anns) {
      await ann.settled()
      expect(ann.dataOf('l-room')).toEqual([])
    }
    expect(await api(client, 'leave', { user: 'l-ann', room: 'l-room' })).toEqual({ connections: 0 })
  })
})

describe('move', () => {
  test('asks connections of a gateway to go elsewhere', async ({ stage, cluster: { one, two, client } }) => {
    const ann = await stage.user(one, 'm-ann')
    const ben = await stage.user(two, 'm-ben')
    const gateway = ann.frames[0]?.gateway
    const { connections } = await api(client, 'move', { gateway, windowMs: 0, reason: 'rebalance' })
    expect(connections).toBeGreaterThanOrEqual(1)
    expect(await ann.closed).toEqual({ code: 1012, reason: 'rebalance' })
    expect(ann.frames.at(-1)).toEqual({ type: 'move', afterMs: 0, reason: 'rebalance' })
    await ben.settled()
  })

  test('of a gateway that is not there is not found', async ({ cluster: { client } }) => {
    expect(await api(client, 'move', { gateway: 'gone' })).toMatchObject({ code: 'not_found' })
  })
})

plain('a gateway with history alone does what services say too', async ({ stage }) => {
  const namespaces = {
    chat: { join: { who: 'anyone' }, publish: { who: 'anyone' }, history: { messages: 10, seconds: 60 } },
  }
  const { one, client } = await serviceCluster(stage, { settings: { namespaces } })
  const ann = await stage.user(one, 'ann')
  expect(await api(client, 'join', { user: 'ann', room: 'chat:a' })).toEqual({ connections: 1 })
  expect(await ann.next(({ type }) => type === 'added')).toMatchObject({ room: 'chat:a', offset: 0 })
  expect(await api(client, 'disconnect', { user: 'ann' })).toEqual({ connections: 1, gateways: 1 })
  expect((await ann.closed).code).toBe(4005)
})

plain('a gateway that is frozen is waited for in bounds, and said to be silent', async ({ stage }) => {
  const { one, two, client } = await serviceCluster(stage)
  const ann = await stage.user(one, 'ann')
  await eventually(async () => (await api(client, 'gateways', {})).gateways).toHaveLength(2)
  two.child.signal('SIGSTOP')
  const startedAt = performance.now()
  expect(await api(client, 'disconnect', { user: 'ann' })).toEqual({ connections: 1, gateways: 1, silent: 1 })
  expect(performance.now() - startedAt).toBeLessThan(4000)
  expect((await ann.closed).code).toBe(4005)
  two.child.signal('SIGCONT')
})
