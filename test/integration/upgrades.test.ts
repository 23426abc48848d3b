import { describe, expect } from 'vitest'
import { refusedUpgrade } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { test, testWithCluster } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const shared = testWithCluster({ settings: { accept: { origins: ['https://app.example'] } } })

describe('an upgrade', () => {
  shared('from an origin that is not listed is refused with 403', async ({ stage, cluster: { one } }) => {
    for (const origin of ['https://evil.example', 'http://app.example', 'https://app.example:8443', 'null']) {
      expect(await refusedUpgrade(one.url, { origin })).toMatchObject({ status: 403 })
    }
    const token = await makeToken('ann')
    const browser = await stage.open(one, { token, headers: { origin: 'https://app.example' } })
    await browser.welcome()
    const tool = await stage.open(one, { token })
    await tool.welcome()
    expect((await one.metrics()).value('refusals_total', { reason: 'origin' })).toBe(4)
  })

  shared('that offers only unknown subprotocols is refused with 400', async ({ cluster: { one } }) => {
    for (const offered of ['graphql-ws', 'sluice.v2.json', `bearer.${await makeToken('ann')}`]) {
      expect(await refusedUpgrade(one.url, { 'sec-websocket-protocol': offered })).toMatchObject({ status: 400 })
    }
  })

  shared(
    'on another path is refused with 404, and a plain request is told to upgrade',
    async ({ cluster: { one } }) => {
      for (const path of ['/', '/echo', '/ws/', '/wss', '/ws%2F']) {
        expect(await refusedUpgrade(one.url.replace('/ws', path))).toMatchObject({ status: 404 })
      }
      const http = one.url.replace('ws:', 'http:')
      expect((await fetch(http)).status).toBe(426)
      expect((await fetch(http.replace('/ws', '/'))).status).toBe(404)
      expect((await fetch(http.replace('/ws', '/token?user=ann'))).status).toBe(404)
    },
  )
})

test('a gateway refuses all browsers while no origin is configured', async ({ stage }) => {
  const gateway = await stage.gateway(await stage.nats())
  expect(await refusedUpgrade(gateway.url, { origin: 'https://app.example' })).toMatchObject({ status: 403 })
})

test('a full gateway refuses with 503 and Retry-After, and takes the next when one has gone', async ({ stage }) => {
  const gateway = await stage.gateway(await stage.nats(), { settings: { accept: { connectionsMax: 2 } } })
  const first = await stage.user(gateway, 'ann')
  await stage.user(gateway, 'ben')
  const refused = await refusedUpgrade(gateway.url)
  expect(refused.status).toBe(503)
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  await first.leave()
  await eventually(async () => (await gateway.metrics()).value('connections')).toBe(1)
  await stage.user(gateway, 'eve')
})

test('too many that have not signed in refuse the next with 503, until one has', async ({ stage }) => {
  const gateway = await stage.gateway(await stage.nats(), { settings: { accept: { unauthenticatedMax: 2 } } })
  const silent = await stage.open(gateway)
  await stage.open(gateway)
  expect(await refusedUpgrade(gateway.url)).toMatchObject({ status: 503 })
  await silent.ok({ type: 'auth', token: await makeToken('ann') })
  await stage.user(gateway, 'ben')
})

test('an address that connects too often is refused with 429, another is not', async ({ stage }) => {
  const accept = { addressConnectionsPerSecond: 5, trustedProxies: ['127.0.0.0/8'] }
  const gateway = await stage.gateway(await stage.nats(), { settings: { accept } })
  const from = (address: string) => ({ 'x-forwarded-for': address })
  const token = await makeToken('ann')
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, () =>
      stage.open(gateway, { token, headers: from('192.0.2.1') }).then(
        () => 'opened',
        () => 'refused',
      ),
    ),
  )
  expect(outcomes).toContain('opened')
  expect(outcomes).toContain('refused')
  const refused = await refusedUpgrade(gateway.url, from('192.0.2.1'))
  expect(refused.status).toBe(429)
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  const other = await stage.open(gateway, { token, headers: from('192.0.2.2') })
  await other.welcome()
})

test('an address whose sign-ins fail too often is refused with 429', async ({ stage }) => {
  const gateway = await stage.gateway(await stage.nats(), {
    settings: { accept: { addressSignInFailuresPerSecond: 3 } },
  })
  for (let n = 0; n < 3; n++) {
    const client = await stage.open(gateway, { token: 'nonsense', by: 'query' })
    expect((await client.closed).code).toBe(4001)
  }
  await eventually(() =>
    refusedUpgrade(gateway.url, { 'sec-websocket-protocol': 'sluice.v1.json' }).catch(() => ({ status: 101 })),
  ).toMatchObject({ status: 429 })
})
