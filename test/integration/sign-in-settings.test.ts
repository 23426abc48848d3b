import { describe, expect } from 'vitest'
import { test } from '../harness/stage.ts'
import { makeSigningKey, makeToken } from '../harness/tokens.ts'

describe('settings of signing in', () => {
  test('the user may stand in another claim, also as a number', async ({ stage }) => {
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats, {
      settings: { auth: { userClaim: 'id', grantsClaim: 'https://x/grants' } },
    })
    const claims = { 'https://x/grants': { join: ['private:desk'] } }
    const client = await stage.open(gateway, { token: await makeToken(7, { userClaim: 'id', claims }) })
    expect(await client.welcome()).toMatchObject({ user: '7' })
    await client.join('private:desk')
    const sub = await stage.open(gateway, { token: await makeToken('ann') })
    expect((await sub.closed).code).toBe(4001)
  })

  test('the newest connection of a user is closed with 4030 where so configured', async ({ stage }) => {
    const nats = await stage.nats()
    const accept = { userConnectionsMax: 1, userConnectionsClose: 'newest' }
    const gateway = await stage.gateway(nats, { settings: { accept } })
    const first = await stage.user(gateway, 'many')
    const second = await stage.open(gateway, { token: await makeToken('many') })
    expect((await second.closed).code).toBe(4030)
    expect(second.frames).toEqual([])
    await first.settled()
  })

  test('users without a token are let in under a name of their own where that is allowed', async ({ stage }) => {
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats, { settings: { auth: { anonymous: true } } })
    const anyone = await stage.open(gateway)
    const { user } = await anyone.welcome()
    expect(user).toBe(`~${anyone.session}`)
    const ann = await (await stage.user(gateway, 'ann')).join('chat:mixed')
    await anyone.join('chat:mixed')
    await anyone.ok({ type: 'publish', room: 'chat:mixed', data: 1 })
    expect(await ann.message()).toMatchObject({ from: user, data: 1 })
    expect(await anyone.refused({ type: 'join', room: 'private:desk' })).toBe('forbidden')
  })

  test('issuer and audience are checked, and the secret before the present one still counts', async ({ stage }) => {
    const nats = await stage.nats()
    const previous = 'p'.repeat(40)
    const auth = { issuer: 'https://id.example', audience: ['chat', 'talk'], secretPrevious: previous }
    const gateway = await stage.gateway(nats, { settings: { auth } })
    const good = { iss: 'https://id.example', aud: 'talk' }
    for (const secret of [undefined, previous]) {
      const token = await makeToken('ann', { claims: good, ...(secret === undefined ? {} : { secret }) })
      expect(await (await stage.open(gateway, { token })).welcome()).toMatchObject({ user: 'ann' })
    }
    for (const claims of [{}, { ...good, iss: 'https://evil.example' }, { ...good, aud: 'shop' }]) {
      const refused = await stage.open(gateway, { token: await makeToken('ann', { claims }) })
      expect((await refused.closed).code).toBe(4001)
    }
  })
})

describe('keys of a key set', () => {
  test('sign users in, are fetched again when a new one appears, and never let the shared secret count', async ({
    stage,
  }) => {
    const [old, rotated] = [await makeSigningKey('old'), await makeSigningKey('rotated')]
    const jwks = await stage.jwks([old.jwk])
    const nats = await stage.nats()
    const auth = { secret: undefined, jwksUrl: jwks.url, jwksCooldownMs: 0 }
    const gateway = await stage.gateway(nats, { settings: { auth } })
    const first = await stage.open(gateway, { token: await old.sign('ann') })
    expect(await first.welcome()).toMatchObject({ user: 'ann' })
    const unknown = await stage.open(gateway, { token: await rotated.sign('ann') })
    expect((await unknown.closed).code).toBe(4001)
    jwks.keys = [old.jwk, rotated.jwk]
    const second = await stage.open(gateway, { token: await rotated.sign('ann') })
    expect(await second.welcome()).toMatchObject({ user: 'ann' })
    const shared = await stage.open(gateway, { token: await makeToken('ann') })
    expect((await shared.closed).code).toBe(4001)
  })

  test('that cannot be reached close with 1013, never 4001, and known keys go on', async ({ stage }) => {
    const [known, unknown] = [await makeSigningKey('known'), await makeSigningKey('unknown')]
    const jwks = await stage.jwks([known.jwk])
    await jwks.stop()
    const nats = await stage.nats()
    const auth = { secret: undefined, jwksUrl: jwks.url, jwksCooldownMs: 0, jwksTimeoutMs: 500 }
    const gateway = await stage.gateway(nats, { settings: { auth } })
    const early = await stage.open(gateway, { token: await known.sign('ann') })
    expect((await early.closed).code).toBe(1013)
    await jwks.start()
    const late = await stage.open(gateway, { token: await known.sign('ann') })
    expect(await late.welcome()).toMatchObject({ user: 'ann' })
    jwks.status = 500
    const other = await stage.open(gateway, { token: await known.sign('ben') })
    expect(await other.welcome()).toMatchObject({ user: 'ben' })
    const stranger = await stage.open(gateway, { token: await unknown.sign('ann') })
    expect((await stranger.closed).code).toBe(1013)
    expect(await late.request({ type: 'auth', token: await unknown.sign('ann') })).toMatchObject({
      code: 'unavailable',
    })
    expect((await gateway.metrics()).value('sign_in_failures_total', { reason: 'unavailable' })).toBeGreaterThan(0)
  })

  test('that do not answer close with 1013, also where the wait is longer than a sign-in may take', async ({
    stage,
  }) => {
    const key = await makeSigningKey('known')
    const jwks = await stage.jwks([key.jwk])
    jwks.status = null
    const nats = await stage.nats()
    const auth = { secret: undefined, jwksUrl: jwks.url, jwksTimeoutMs: 1500 }
    const gateway = await stage.gateway(nats, { settings: { auth, accept: { unauthenticatedWaitMs: 300 } } })
    const early = await stage.open(gateway, { token: await key.sign('ann') })
    const late = await stage.open(gateway, { token: await key.sign('ann'), by: 'frame' })
    for (const client of [early, late]) expect((await client.closed).code).toBe(1013)
  })

  test('are asked for once in a cool-down, however many tokens name a key that nobody knows', async ({ stage }) => {
    const [known, unknown] = [await makeSigningKey('known'), await makeSigningKey('unknown')]
    const jwks = await stage.jwks([known.jwk])
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats, { settings: { auth: { secret: undefined, jwksUrl: jwks.url } } })
    const tokens = await Promise.all(Array.from({ length: 20 }, () => unknown.sign('ann')))
    const clients = await Promise.all(tokens.map((token) => stage.open(gateway, { token })))
    for (const client of clients) expect([4001, 1013]).toContain((await client.closed).code)
    expect(jwks.requests).toBeLessThanOrEqual(2)
    expect(await (await stage.open(gateway, { token: await known.sign('ann') })).welcome()).toMatchObject({
      user: 'ann',
    })
  })
})
