import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import type { Client, Frame } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { test } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

interface Published {
  readonly n: number
  readonly answer: Frame
}

/** Publishes one after the other until it is told to stop; every one must be answered. */
function publishSteadily(client: Client, room: string, everyMs: number): { stop(): Promise<Published[]> } {
  let running = true
  const work = (async () => {
    const published: Published[] = []
    for (let n = 0; running; n++) {
      published.push({ n, answer: await client.request({ type: 'publish', room, data: n }, 10_000) })
      await pause(everyMs)
    }
    return published
  })()
  return {
    stop: () => {
      running = false
      return work
    },
  }
}

describe('cases 24 and 62: NATS stopped for ten seconds under traffic', () => {
  test('sockets stay, each publish gets an error or a real ok, and all heals by itself', async ({ stage }) => {
    const nats = await stage.nats()
    const [one, two] = [await stage.gateway(nats), await stage.gateway(nats)]
    const ann = await (await stage.user(one, 'ann')).join('chat:outage')
    const ben = await (await stage.user(two, 'ben')).join('chat:outage')
    const publishing = publishSteadily(ann, 'chat:outage', 20)
    await eventually(() => ben.dataOf('chat:outage').length).toBeGreaterThan(20)

    await nats.stop()
    await eventually(async () => (await one.metrics()).value('nats_connected')).toBe(0)
    expect(await ben.request({ type: 'join', room: 'chat:new' })).toMatchObject({
      type: 'error',
      code: 'unavailable',
      retryAfterMs: expect.any(Number),
    })
    expect(await ben.request({ type: 'publish', room: 'chat:outage', data: 0 })).toMatchObject({ code: 'unavailable' })
    expect(await ben.request({ type: 'send', user: 'ann', data: 0 })).toMatchObject({ code: 'unavailable' })
    expect(await ben.request({ type: 'ping' })).toMatchObject({ type: 'pong' })
    await ben.ok({ type: 'leave', room: 'chat:never' })
    const late = await stage.open(two, { token: await makeToken('eve') })
    expect((await late.closed).code).toBe(1013)
    await pause(10_000)
    await nats.start()

    for (const gateway of [one, two]) {
      await eventually(async () => (await gateway.metrics()).value('nats_connected'), 10_000).toBe(1)
    }
    await ben.join('chat:new')
    const healed = ben.dataOf('chat:outage').length
    await eventually(() => ben.dataOf('chat:outage').length).toBeGreaterThan(healed + 20)
    const published = await publishing.stop()
    await Promise.all([ann.settled(), ben.settled()])

    const codes = new Set(published.map(({ answer }) => (answer.type === 'error' ? answer.code : answer.type)))
    expect(codes).toEqual(new Set(['ok', 'unavailable']))
    const oks = published.filter(({ answer }) => answer.type === 'ok').map(({ n }) => n)
    expect(published.length - oks.length).toBeGreaterThan(100)
    for (const member of [ann, ben]) {
      const heard = member.dataOf('chat:outage') as number[]
      expect(heard).toEqual([...new Set(heard)].sort((a, b) => a - b))
      expect(member.close).toBeNull()
    }
    // The publisher's own gateway was connected whenever it said ok, so its own members have heard every one.
    const own = new Set(ann.dataOf('chat:outage'))
    expect(oks.filter((n) => !own.has(n))).toEqual([])
    expect((await one.metrics()).value('nats_reconnects_total')).toBe(1)
  })

  test('a crash of NATS heals the same way, and the user’s own messages flow again', async ({ stage }) => {
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats)
    const ann = await (await stage.user(gateway, 'ann')).join('chat:crash')
    for (let round = 0; round < 2; round++) {
      await nats.kill()
      await nats.start()
      await eventually(() => ann.request({ type: 'publish', room: 'chat:crash', data: round }), 10_000).toMatchObject({
        type: 'ok',
      })
      await ann.ok({ type: 'send', user: 'ann', data: round })
      await ann.next((frame) => frame.type === 'message' && frame.room === 'chat:crash' && frame.data === round)
      await ann.next((frame) => frame.type === 'message' && frame.user === 'ann' && frame.data === round)
    }
  })

  test('NATS that says nothing more is answered for with `unavailable` within seconds, as nothing is confirmed', async ({
    stage,
  }) => {
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats)
    const ann = await stage.user(gateway, 'ann')
    nats.freeze()
    const answers = await Promise.all([
      ann.request({ type: 'publish', room: 'chat:frozen', data: 1 }, 8000),
      ann.request({ type: 'join', room: 'chat:unheard' }, 8000),
      ann.request({ type: 'send', user: 'ann', data: 1 }, 8000),
    ])
    expect(answers.map(({ code }) => code)).toEqual(['unavailable', 'unavailable', 'unavailable'])
    nats.thaw()
    await eventually(() => ann.request({ type: 'join', room: 'chat:unheard' })).toMatchObject({ type: 'ok' })
    await eventually(() => ann.request({ type: 'publish', room: 'chat:frozen', data: 2 })).toMatchObject({ type: 'ok' })
  })
})
