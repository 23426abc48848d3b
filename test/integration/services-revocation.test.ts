// Tokens that are not let in any more: what `disconnect` with `notBefore` does to those who come later, on whatever gateway, also on one
// that starts after it, and where it can't be known.
import { createPresenceStores } from '@sluice/proto'
import { describe, expect } from 'vitest'
import type { Client } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { DEFAULT_SETTINGS, type GatewayProcess } from '../harness/gateway.ts'
import { api, SERVICE_SETTINGS, serviceCluster, testWithServices } from '../harness/services.ts'
import { test as plain, type Stage } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const test = testWithServices()
const now = (): number => Math.floor(Date.now() / 1000)

/** The code with which a token is closed, or `welcome`. */
async function outcome(stage: Stage, gateway: GatewayProcess, token: string): Promise<unknown> {
  const client: Client = await stage.open(gateway, { token })
  return Promise.race([client.welcome().then(({ type }) => type), client.closed.then(({ code }) => code)])
}

describe('after a disconnect with notBefore', () => {
  test('case 58: older tokens of the user are refused everywhere, newer ones are not', async ({ stage, cluster }) => {
    const { nats, one, two, client } = cluster
    const token = await makeToken('v-ann', { claims: { jti: 'v-1' } })
    const ann = await stage.open(one, { token })
    await ann.welcome()
    const request = { user: 'v-ann', notBefore: now() + 30 }
    expect(await api(client, 'disconnect', request)).toEqual({ connections: 1, gateways: 1 })
    expect((await ann.closed).code).toBe(4005)
    for (const gateway of [one, two]) expect(await outcome(stage, gateway, token)).toBe(4001)
    const later = await stage.gateway(nats, { settings: { ...DEFAULT_SETTINGS, ...SERVICE_SETTINGS } })
    expect(await outcome(stage, later, token)).toBe(4001)
    expect(await outcome(stage, later, await makeToken('v-ben'))).toBe('welcome')
    // An earlier time weakens nothing.
    expect(await api(client, 'disconnect', { user: 'v-ann', notBefore: 1 })).toEqual({ connections: 0, gateways: 0 })
    expect(await outcome(stage, two, token)).toBe(4001)
  })

  test('a token is refused by its id, and no other of its user; a refresh with it changes nothing', async ({
    stage,
    cluster: { one, two, client },
  }) => {
    const token = await makeToken('w-ann', { claims: { jti: 'w.1' } })
    const other = await makeToken('w-ann', { claims: { jti: 'w.2' } })
    await api(client, 'disconnect', { token: 'w.1', notBefore: now() + 30 })
    expect(await outcome(stage, one, token)).toBe(4001)
    const ann = await stage.open(two, { token: other })
    await ann.welcome()
    expect(await ann.refused({ type: 'auth', token })).toBe('unauthorized')
    await ann.settled()
  })

  test('who signed in with such a token unseen by control is closed a moment later', async ({ stage, cluster }) => {
    const { one, client } = cluster
    const ann = await stage.user(one, 'x-ann')
    const { revoked } = createPresenceStores()
    const value = JSON.stringify({ v: 1, notBefore: now() + 30, until: Date.now() + 60_000 })
    await client.request(revoked.subject('user.x-ann'), value)
    expect(await ann.closedWithin(6000)).toEqual({ code: 4005, reason: 'token revoked' })
  })
})

plain('without the bucket nothing was revoked, and one that was lost is made again', async ({ stage }) => {
  const { nats, client } = await serviceCluster(stage)
  const { revoked } = createPresenceStores()
  const token = await makeToken('ann')
  // As under routers of the release before.
  const bare = await stage.nats()
  const alone = await stage.launch(bare.url, { settings: { ...DEFAULT_SETTINGS, ...SERVICE_SETTINGS } })
  await alone.logged('listening')
  expect(await outcome(stage, alone, token)).toBe('welcome')
  await client.request(`$JS.API.STREAM.DELETE.${revoked.stream}`, '')
  await eventually(async () => {
    const info = await client.request(`$JS.API.STREAM.INFO.${revoked.stream}`, '')
    return info.json<{ error?: object }>().error
  }, 10_000).toBeUndefined()
  const late = await stage.gateway(nats, { settings: { ...DEFAULT_SETTINGS, ...SERVICE_SETTINGS } })
  expect(await outcome(stage, late, token)).toBe('welcome')
})
