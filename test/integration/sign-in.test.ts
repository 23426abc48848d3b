import { describe, expect } from 'vitest'
import type { TokenWay } from '../harness/client.ts'
import { testWithCluster } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const test = testWithCluster({ settings: { accept: { unauthenticatedWaitMs: 500, userConnectionsMax: 2 } } })

const WAYS: TokenWay[] = ['header', 'subprotocol', 'query', 'frame']

describe('a token', () => {
  test.for(WAYS)('is taken from the %s', async (by, { stage, cluster: { one } }) => {
    const client = await stage.open(one, { token: await makeToken('ann'), by })
    const welcome = await client.welcome()
    expect(welcome).toMatchObject({
      type: 'welcome',
      version: 1,
      user: 'ann',
      heartbeatMs: 25_000,
      features: ['presence', 'history', 'call', 'rooms', 'wildcard'],
    })
    expect(welcome.session).toMatch(/^[A-Za-z0-9_-]+\.[1-9][0-9]*$/)
    expect(Number(welcome.expiresAt)).toBeGreaterThan(Date.now())
    expect(welcome.limits).toMatchObject({ frameBytesMax: 65_536, roomsMax: 128 })
    expect(client.socket.protocol).toBe('sluice.v1.json')
  })

  test('works without any subprotocol, as JSON, for a bare WebSocket tool', async ({ stage, cluster: { one } }) => {
    const client = await stage.open(one, { token: await makeToken('ann'), by: 'query', subprotocols: [] })
    expect(await client.welcome()).toMatchObject({ user: 'ann' })
    expect(client.socket.protocol).toBe('')
  })

  test('in a subprotocol is never selected', async ({ stage, cluster: { one } }) => {
    const bearer = `bearer.${await makeToken('ann')}`
    const client = await stage.open(one, {
      subprotocols: [bearer, 'sluice.v9.json', 'sluice.v1.msgpack'],
      encoding: 'msgpack',
    })
    expect(await client.welcome()).toMatchObject({ user: 'ann' })
    expect(client.socket.protocol).toBe('sluice.v1.msgpack')
  })

  test('first found wins: the header, the subprotocol, the query, the frame', async ({ stage, cluster: { one } }) => {
    const [header, entry, query] = [await makeToken('header'), await makeToken('entry'), await makeToken('query')]
    const subprotocols = ['sluice.v1.json', `bearer.${entry}`]
    const headers = { authorization: `Bearer ${header}` }
    const all = await stage.open(one, { token: query, by: 'query', subprotocols, headers })
    expect(await all.welcome()).toMatchObject({ user: 'header' })
    const two = await stage.open(one, { token: query, by: 'query', subprotocols })
    expect(await two.welcome()).toMatchObject({ user: 'entry' })
  })

  test('that is bad is not replaced by a good one in a later place', async ({ stage, cluster: { one } }) => {
    const bad = await makeToken('ann', { secret: 'x'.repeat(40) })
    const client = await stage.open(one, {
      token: await makeToken('ann'),
      by: 'query',
      headers: { authorization: `Bearer ${bad}` },
    })
    expect((await client.closed).code).toBe(4001)
  })
})

describe('a token that is refused', () => {
  test.for(WAYS)(
    'closes with 4001 if it is bad, 4002 if it has expired, brought in the %s',
    async (by, { stage, cluster: { one } }) => {
      const bad = await stage.open(one, { token: await makeToken('ann', { secret: 'x'.repeat(40) }), by })
      expect(await bad.closed).toMatchObject({ code: 4001 })
      const expired = await stage.open(one, { token: await makeToken('ann', { ttlSeconds: -60 }), by })
      expect(await expired.closed).toMatchObject({ code: 4002 })
      expect([...bad.frames, ...expired.frames]).not.toContainEqual(expect.objectContaining({ type: 'welcome' }))
    },
  )

  test('closes with 4001 whatever is wrong with it', async ({ stage, cluster: { one } }) => {
    const [, claims = ''] = (await makeToken('ann')).split('.')
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    const tokens = [
      'nonsense',
      'a.b.c',
      `${none}.${claims}.`,
      await makeToken('ann', { ttlSeconds: null }),
      await makeToken(''),
      await makeToken('~ann'),
      await makeToken('a*'),
      await makeToken('x'.repeat(129)),
      await makeToken(1.5),
      await makeToken(['ann']),
      await makeToken('ann', { claims: { sluice: 'all' } }),
      await makeToken('ann', { claims: { nbf: Math.floor(Date.now() / 1000) + 3600 } }),
    ]
    for (const token of tokens) {
      const client = await stage.open(one, { token, by: 'query' })
      expect({ token, close: await client.closed }).toMatchObject({ token, close: { code: 4001 } })
    }
  })
})

describe('a connection that has not signed in', () => {
  test('is told so for each request, and closed with 4001 at the deadline', async ({ stage, cluster: { one } }) => {
    const client = await stage.open(one)
    expect(await client.refused({ type: 'join', room: 'chat:lobby' })).toBe('unauthorized')
    expect(await client.refused({ type: 'ping' })).toBe('unauthorized')
    expect((await client.closedWithin(2000)).code).toBe(4001)
  })

  test('signs in with an `auth` that asks for an answer, after its `welcome`', async ({ stage, cluster: { one } }) => {
    const client = await stage.open(one)
    const answer = await client.ok({ type: 'auth', token: await makeToken('ann') })
    expect(answer.expiresAt).toBe(client.frames[0]?.expiresAt)
    expect(client.frames.map(({ type }) => type)).toEqual(['welcome', 'ok'])
  })

  test('may pipeline its first requests behind its `auth`', async ({ stage, cluster: { one } }) => {
    const client = await stage.open(one)
    client.send({ type: 'auth', token: await makeToken('ann') })
    client.send({ id: 1, type: 'join', room: 'chat:pipelined-auth' })
    client.send({ id: 2, type: 'publish', room: 'chat:pipelined-auth', data: 1 })
    expect(await client.message()).toMatchObject({ data: 1 })
    expect(client.frames.map(({ type }) => type).slice(0, 2)).toEqual(['welcome', 'ok'])
  })
})

describe('the connections of one user', () => {
  test('are bounded on a gateway: the oldest is closed with 4030', async ({ stage, cluster: { one, two } }) => {
    const first = await stage.user(one, 'many')
    const second = await stage.user(one, 'many')
    await stage.user(two, 'many')
    const third = await stage.user(one, 'many')
    expect((await first.closed).code).toBe(4030)
    await Promise.all([second.settled(), third.settled()])
    expect((await one.metrics()).value('closes_total', { code: '4030' })).toBe(1)
  })
})
