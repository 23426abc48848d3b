import { describe, expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { testWithCluster } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const test = testWithCluster({ settings: { auth: { clockToleranceMs: 0, grants: {} } } })

describe('the end of a token', () => {
  test('closes with 4002', async ({ stage, cluster: { one } }) => {
    const client = await stage.open(one, { token: await makeToken('ann', { ttlSeconds: 2 }) })
    const { expiresAt } = await client.welcome()
    expect((await client.closedWithin(5000)).code).toBe(4002)
    expect(Date.now()).toBeGreaterThanOrEqual(Number(expiresAt))
  })

  test('moves when `auth` brings a later token of the same user, and the room stays joined', async ({
    stage,
    cluster: { one, two },
  }) => {
    const client = await stage.open(one, { token: await makeToken('ann', { ttlSeconds: 2 }) })
    const { expiresAt } = await client.welcome()
    await client.join('chat:refreshed')
    const answer = await client.ok({ type: 'auth', token: await makeToken('ann', { ttlSeconds: 3600 }) })
    expect(Number(answer.expiresAt)).toBeGreaterThan(Number(expiresAt))
    await eventually(() => Date.now(), 5000).toBeGreaterThan(Number(expiresAt) + 600)
    const ben = await stage.user(two, 'ben')
    await ben.ok({ type: 'publish', room: 'chat:refreshed', data: 1 })
    expect(await client.message()).toMatchObject({ data: 1 })
    expect(client.frames.filter(({ type }) => type === 'welcome')).toHaveLength(1)
  })

  test('comes earlier when a refresh says so', async ({ stage, cluster: { one } }) => {
    const client = await stage.user(one, 'ann')
    await client.ok({ type: 'auth', token: await makeToken('ann', { ttlSeconds: 1 }) })
    expect((await client.closedWithin(4000)).code).toBe(4002)
  })
})

describe('case 56: a refresh', () => {
  test('with an expired, bad or another user’s token is refused and changes nothing', async ({
    stage,
    cluster: { one },
  }) => {
    const client = await stage.user(one, 'ann')
    const tokens = [
      await makeToken('ann', { ttlSeconds: -60 }),
      await makeToken('ann', { secret: 'x'.repeat(40) }),
      await makeToken('ben'),
      'nonsense',
    ]
    for (const token of tokens) expect(await client.refused({ type: 'auth', token })).toBe('unauthorized')
    await client.settled()
    await client.join('chat:still')
  })

  test('brings its grants', async ({ stage, cluster: { one } }) => {
    const client = await stage.user(one, 'ann')
    expect(await client.refused({ type: 'join', room: 'private:desk' })).toBe('forbidden')
    await client.ok({ type: 'auth', token: await makeToken('ann', { grants: { join: ['private:desk'] } }) })
    await client.join('private:desk')
    await client.ok({ type: 'auth', token: await makeToken('ann') })
    expect(await client.refused({ type: 'join', room: 'private:other' })).toBe('forbidden')
  })

  test('beside another at the same time is harmless', async ({ stage, cluster: { one } }) => {
    const client = await stage.user(one, 'ann')
    const [first, second] = [await makeToken('ann', { ttlSeconds: 900 }), await makeToken('ann', { ttlSeconds: 1800 })]
    const answers = await Promise.all([
      client.ok({ type: 'auth', token: first }),
      client.ok({ type: 'auth', token: second }),
      client.ok({ type: 'auth', token: first }),
    ])
    expect(answers.map(({ type }) => type)).toEqual(['ok', 'ok', 'ok'])
    expect(answers[0]?.expiresAt).toBe(answers[2]?.expiresAt)
    await client.settled()
  })
})
