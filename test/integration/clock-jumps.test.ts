// Wall clocks of processes that jump by hours. Only what is wall time by its nature may notice: the times in tokens, and which token was revoked.
// Leases, pings, deadlines and limits run on the monotonic clock.
import { beforeEach, describe, expect } from 'vitest'
import type { Client } from '../harness/client.ts'
import { type ShiftedClock, shiftedClock } from '../harness/clock.ts'
import { eventually } from '../harness/eventually.ts'
import { DEFAULT_SETTINGS, type GatewayProcess } from '../harness/gateway.ts'
import { messagesOf } from '../harness/history.ts'
import type { NatsServer } from '../harness/nats.ts'
import { api } from '../harness/services.ts'
import { test as plain, Stage } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'
import { until } from '../harness/until.ts'

const HOUR_MS = 3_600_000
const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const namespaces = {
  default: { ...open, presence: true },
  chat: { ...open, presence: true, history: { messages: 1000, seconds: 3600 } },
}
/** Within it a lease that is not renewed has ended for everyone. */
const LEASE_OVER_MS = 14_000

interface Scene {
  readonly nats: NatsServer
  readonly jumping: GatewayProcess
  readonly steady: GatewayProcess
  readonly clocks: { readonly gateway: ShiftedClock; readonly router: ShiftedClock }
}

async function scene(stage: Stage): Promise<Scene> {
  const nats = await stage.nats()
  const clocks = { gateway: shiftedClock(stage), router: shiftedClock(stage) }
  await stage.router(nats, { ...clocks.router.env, SLUICE_NAMESPACES: JSON.stringify(namespaces) })
  // A connection's end is looked at with each heartbeat.
  const settings = {
    ...DEFAULT_SETTINGS,
    namespaces,
    limits: { ...DEFAULT_SETTINGS.limits, heartbeatMs: 1000, silenceMs: 15_000 },
  }
  const [jumping, steady] = await Promise.all([
    stage.gateway(nats, { settings, env: clocks.gateway.env }),
    stage.gateway(nats, { settings }),
  ])
  return { nats, jumping, steady, clocks }
}

/** All share one: each begins with clocks that are right. */
const test = plain.extend(
  'scene',
  { scope: 'file' },
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  async ({}, { onCleanup }): Promise<Scene> => {
    const stage = new Stage()
    onCleanup(() => stage[Symbol.asyncDispose]())
    return scene(stage)
  },
)
beforeEach<{ scene: Scene }>(({ scene: { clocks } }) => {
  for (const clock of Object.values(clocks)) clock.jump(0)
})

async function longLived(stage: Stage, gateway: GatewayProcess, user: string): Promise<Client> {
  const client = await stage.open(gateway, { token: await makeToken(user, { ttlSeconds: 100 * 3600 }) })
  await client.welcome()
  for (const room of ['hall', 'chat:hall']) await client.ok({ type: 'join', room, presence: true }, 15_000)
  return client
}

test('clocks of a gateway and of a router that jump by hours end no lease and no long-lived session, and lose nothing of a history', {
  timeout: 120_000,
}, async ({ stage, scene: { jumping, steady, clocks } }) => {
  const ann = await longLived(stage, jumping, 'ann')
  const ben = await longLived(stage, steady, 'ben')
  let published = 0
  for (const [gateway, router] of [
    [3, -3],
    [-3, 3],
    [0, 0],
  ] as const) {
    clocks.gateway.jump(gateway * HOUR_MS)
    clocks.router.jump(router * HOUR_MS)
    // Beyond the end of leases for the first of them; jumps back differ from it only in their sign.
    const endsAt = performance.now() + (gateway === 3 ? LEASE_OVER_MS : 1000)
    await until(
      async () => {
        for (const room of ['hall', 'chat:hall']) await ann.ok({ type: 'publish', room, data: published }, 10_000)
        published++
        return performance.now() > endsAt
      },
      { timeoutMs: 60_000, everyMs: 100 },
    )
  }
  for (const client of [ann, ben]) {
    for (const room of ['hall', 'chat:hall']) {
      const all = Array.from({ length: published }, (_, at) => at)
      await eventually(() => client.dataOf(room), 15_000).toEqual(all)
    }
    expect(client.frames.filter(({ type }) => type === 'left' || type === 'gap')).toEqual([])
    expect(client.close).toBeNull()
  }
  const [late] = messagesOf(ben, 'chat:hall').slice(-1)
  expect(Number(late?.time), 'the time of a message is NATS’s').toBeLessThan(Date.now() + HOUR_MS)
})

/** What becomes of one who comes with a token: a welcome, or a close code. */
async function enters(stage: Stage, gateway: GatewayProcess, token: string): Promise<'welcome' | number | undefined> {
  const client = await stage.open(gateway, { token })
  await until(() => client.close !== null || client.frames.some(({ type }) => type === 'welcome'))
  return client.frames.length > 0 ? 'welcome' : client.close?.code
}

describe('a token', () => {
  test('ends when the clock of its gateway has passed its end, and is good again where that clock is right', {
    timeout: 60_000,
  }, async ({ stage, scene: { jumping, steady, clocks } }) => {
    const token = await makeToken('eve', { ttlSeconds: 3600 })
    const eve = await stage.open(jumping, { token })
    await eve.welcome()
    clocks.gateway.jump(2 * HOUR_MS)
    expect((await eve.closed).code).toBe(4002)
    const refused = await stage.open(jumping, { token })
    expect((await refused.closed).code).toBe(4002)
    const elsewhere = await stage.open(steady, { token })
    await elsewhere.welcome()
    clocks.gateway.jump(0)
    await eventually(() => enters(stage, jumping, token)).toBe('welcome')
  })

  test('that was revoked stays out at a gateway whose clock is hours ahead or behind, and when the router’s is', {
    timeout: 60_000,
  }, async ({ stage, scene: { nats, jumping, clocks } }) => {
    const service = await nats.connect()
    for (const [gateway, router] of [
      [3, 0],
      [-3, 0],
      [0, 3],
      [0, -3],
    ] as const) {
      const user = `user ${gateway} ${router}`
      const token = await makeToken(user, { ttlSeconds: 100 * 3600 })
      await eventually(() => enters(stage, jumping, token)).toBe('welcome')
      clocks.router.jump(router * HOUR_MS)
      const notBefore = Math.ceil(Date.now() / 1000) + 1
      await eventually(async () => (await api(service, 'disconnect', { user, notBefore })).code).toBe(undefined)
      clocks.gateway.jump(gateway * HOUR_MS)
      await eventually(() => enters(stage, jumping, token)).toBe(4001)
      // With a clock that is behind the token is not issued yet, which hides what is asked here.
      clocks.gateway.jump(0)
      await jumping.metrics()
      expect(await enters(stage, jumping, token)).toBe(4001)
    }
  })
})
