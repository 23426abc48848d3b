// All rooms of a namespace joined at once, over two gateways: every message once, whatever single rooms are joined besides; who may; and what
// is not offered with it.
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import type { Client, Frame } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { messagesOf, publishSteadily, publishTo, testWithHistory } from '../harness/history.ts'
import { brokenChains, joinAll, messagesUnder, publishEverywhere, WILDCARD_SETTINGS } from '../harness/wildcards.ts'

const test = testWithHistory(WILDCARD_SETTINGS)

const dataUnder = (client: Client, namespace: string): unknown[] =>
  messagesUnder(client, namespace).map(({ data }) => data)

/** Joins and leaves single rooms, again and again. */
function flapRooms(client: Client, namespace: string) {
  let running = true
  const work = (async () => {
    for (let n = 0; running; n++) {
      const room = `${namespace}:r${(n * 7) % 50}`
      await client.ok({ type: 'join', room }, 15_000)
      await pause(3)
      await client.ok({ type: 'leave', room }, 15_000)
    }
    return true
  })()
  return {
    async stop(): Promise<void> {
      running = false
      await work
    },
  }
}

describe.each(['chat', 'live'])('a member of all rooms of `%s`', (namespace) => {
  test('gets each message of fifty rooms once, while it and others join and leave single rooms', {
    timeout: 60_000,
  }, async ({ stage, cluster: { one, two } }) => {
    const publishers = [await stage.user(one, 'p0'), await stage.user(two, 'p1'), await stage.user(two, 'p2')]
    const [plain, flapping, packed] = [
      await stage.user(one, 'plain'),
      await stage.user(one, 'flapping'),
      await stage.user(two, 'packed', { encoding: 'msgpack' }),
    ]
    const other = await stage.user(one, 'other')
    const held = new Map<Client, number>()
    for (const member of [plain, flapping, packed])
      held.set(member, Number((await member.ok(joinAll(namespace))).offset ?? 0))
    const floods = publishers.map((publisher, at) => publishEverywhere(publisher, namespace, `p${at}`))
    const flaps = [flapping, packed, other].map((member) => flapRooms(member, namespace))
    // Wildcards come and go as well: rooms are heard by subscriptions of their own in between.
    const late = await stage.user(two, 'late')
    for (let n = 0; n < 4; n++) {
      await late.ok(joinAll(namespace), 15_000)
      await pause(200)
      await late.ok({ type: 'leave', room: `${namespace}:*` })
    }
    for (const flap of flaps) await flap.stop()
    const published = (await Promise.all(floods.map((flood) => flood.stop()))).flat().sort()
    expect(published.length).toBeGreaterThan(200)
    for (const member of [plain, flapping, packed]) {
      await eventually(() => dataUnder(member, namespace).length, 10_000).toBe(published.length)
      expect(dataUnder(member, namespace).sort()).toEqual(published)
      if (namespace === 'chat')
        expect(brokenChains(messagesUnder(member, namespace), held.get(member) ?? 0)).toEqual([])
    }
    expect(new Set(dataUnder(late, namespace)).size).toBe(dataUnder(late, namespace).length)
  })

  test('leaves them all at once, and keeps the single one that it is in', async ({ stage, cluster: { one, two } }) => {
    const [ann, ben] = [await stage.user(one, 'ann'), await stage.user(two, 'ben')]
    const [kept, other] = [`${namespace}:kept`, `${namespace}:other`]
    await ann.ok(joinAll(namespace))
    expect(await ann.refused(joinAll(namespace))).toBe('already_joined')
    await ann.ok({ type: 'join', room: kept })
    await ben.ok(publishTo(other, 1))
    await ben.ok(publishTo(kept, 2))
    await eventually(() => [...ann.dataOf(other), ...ann.dataOf(kept)]).toEqual([1, 2])
    await ann.ok({ type: 'leave', room: `${namespace}:*` })
    await ann.ok({ type: 'leave', room: `${namespace}:*` })
    await ben.ok(publishTo(other, 3))
    await ben.ok(publishTo(kept, 4))
    await eventually(() => ann.dataOf(kept)).toEqual([2, 4])
    await ann.settled()
    expect(ann.dataOf(other)).toEqual([1])
  })
})

describe('all rooms of a namespace', () => {
  test('may be joined by whom the namespace lets in, and by a grant that covers all of them', async ({
    stage,
    cluster: { nats, one },
  }) => {
    const join = async (name: string, room: string, patterns: readonly string[]): Promise<unknown> => {
      const client = await stage.user(one, name, { grants: { join: [...patterns] } })
      const answer = await client.request({ type: 'join', room })
      return answer.type === 'ok' ? 'ok' : answer.code
    }
    expect(await join('ann', 'granted:*', ['granted:*'])).toBe('ok')
    for (const pattern of ['granted:lobby', 'granted:{user}', '*', 'chat:*', 'default:*'])
      expect(await join('ann', 'granted:*', [pattern])).toBe('forbidden')
    expect(await join('ann', 'closed:*', ['closed:*'])).toBe('not_enabled')
    expect(await join('ann', 'none:*', ['none:*'])).toBe('unknown_namespace')
    expect(await join('ann', '*', ['*'])).toBe('bad_request')

    expect(await join('ann', 'asked:*', ['asked:*'])).toBe('no_service')
    const service = await nats.connect()
    const asked: unknown[] = []
    service.subscribe('sluice.authorize.join.asked', {
      callback: (_, message) => {
        const { user, room } = message.json<{ user: string; room: string }>()
        asked.push(room)
        message.respond(JSON.stringify(user === 'ben' ? { allow: true, ttlMs: 1000 } : { allow: false }))
      },
    })
    await service.flush()
    expect(await join('ann', 'asked:*', [])).toBe('forbidden')
    const ben = await stage.user(one, 'ben')
    await ben.ok(joinAll('asked'))
    expect(asked).toEqual(['asked:*', 'asked:*'])
    // Its right is asked about again, and ends where nobody gives it.
    await service.close()
    expect(await ben.next(({ type }) => type === 'removed', 10_000)).toMatchObject({
      room: 'asked:*',
      code: 'no_service',
    })
    expect((await ben.ok(joinAll('asked')).catch((error: Error) => error)) instanceof Error).toBe(true)
  })

  test('are not seen, listed, published to or asked about at once', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    expect(await ann.refused(joinAll('live', { presence: true }))).toBe('not_enabled')
    expect(await ann.refused(joinAll('chat', { history: 5 }))).toBe('not_enabled')
    expect(await ann.refused(joinAll('live', { since: { epoch: 'e', offset: 0 } }))).toBe('not_enabled')
    expect(await ann.refused(publishTo('chat:*', 1))).toBe('unsupported')
    expect(await ann.refused({ type: 'presence', room: 'live:*' })).toBe('unsupported')
    expect(await ann.refused({ type: 'history', room: 'chat:*', limit: 1 })).toBe('unsupported')
    // Who is in all of them is a member of none.
    await ann.ok(joinAll('live'))
    const ben = await stage.user(one, 'ben')
    expect(await ben.ok({ type: 'join', room: 'live:seen', presence: true })).toMatchObject({ count: 1 })
  })

  test('cost NATS one copy of each message for a gateway, whatever single rooms it has members in', async ({
    stage,
    cluster: { nats, one, two },
  }) => {
    const [ann, ben] = [await stage.user(one, 'ann'), await stage.user(two, 'ben')]
    const subjects = async (): Promise<string[]> =>
      (await nats.gatewaySubjects()).filter((subject) => subject.includes('.short.'))
    await ann.ok({ type: 'join', room: 'short:before' })
    await ann.ok(joinAll('short'))
    await ann.ok({ type: 'join', room: 'short:after' })
    await eventually(subjects).toEqual(['sluice.live.room.short.*', 'sluice.room.short.*'])
    for (const room of ['short:before', 'short:after', 'short:other']) {
      await ben.ok(publishTo(room, 1))
      await ben.ok(publishTo(room, 2, { ephemeral: true }))
    }
    for (const room of ['short:before', 'short:after', 'short:other'])
      await eventually(() => ann.dataOf(room).toSorted()).toEqual([1, 2])
    // Some seconds after the last one has left, rooms are heard by themselves again.
    await ann.ok({ type: 'leave', room: 'short:*' })
    await eventually(async () => (await subjects()).filter((subject) => !subject.includes('*')).length, 15_000).toBe(4)
    await eventually(subjects, 15_000).not.toContain('sluice.room.short.*')
    await ben.ok(publishTo('short:before', 3))
    await eventually(() => ann.dataOf('short:before').toSorted()).toEqual([1, 2, 3])
  })

  test('count as one of the rooms that a connection may be in, and are closed to a slow reader as any', async ({
    stage,
    cluster: { nats, one },
  }) => {
    const ann = await stage.user(one, 'ann')
    const { limits } = ann.frames.find(({ type }) => type === 'welcome') as { limits: { roomsMax: number } } & Frame
    await ann.ok(joinAll('live'))
    for (let n = 1; n < limits.roomsMax; n++) await ann.ok({ type: 'join', room: `live:n${n}` })
    expect(await ann.refused({ type: 'join', room: 'live:one-more' })).toBe('room_limit')
    const slow = await stage.user(one, 'slow')
    await slow.ok(joinAll('live'))
    slow.socket.pause()
    const service = await nats.connect()
    const big = JSON.stringify('x'.repeat(100_000))
    const closed = async (): Promise<boolean> => (await one.metrics()).value('slow_consumers_total') > 0
    for (let n = 0; !(await closed()) && n < 300; n++) service.publish(`sluice.room.live.big${n % 5}`, big)
    expect(await closed()).toBe(true)
    slow.socket.resume()
    expect((await slow.closed).code).toBe(4008)
  })
})

describe('a publisher that keeps its message from itself', () => {
  test('gets its place as a wildcard member, and by its `ok` as a member of the room', async ({
    stage,
    cluster: { one },
  }) => {
    const ann = await stage.user(one, 'ann')
    const { offset: held } = await ann.ok(joinAll('chat'))
    const { offset } = await ann.ok(publishTo('chat:echo', 1, { echo: false }))
    await eventually(() => messagesOf(ann, 'chat:echo').length).toBe(1)
    expect(messagesOf(ann, 'chat:echo')).toEqual([
      { type: 'message', room: 'chat:echo', offset, prev: 0, withheld: true },
    ])
    await ann.ok({ type: 'join', room: 'chat:echo' })
    expect(await ann.ok(publishTo('chat:echo', 2, { echo: false }))).toMatchObject({ prev: offset })
    await ann.settled()
    expect(brokenChains(messagesUnder(ann, 'chat'), Number(held))).toEqual([])
    expect(messagesOf(ann, 'chat:echo')).toHaveLength(1)
  })
})

test('steady publishes of one room come once to who is in it, and in all rooms, from the first to the last', async ({
  stage,
  cluster: { one, two },
}) => {
  const ann = await stage.user(one, 'ann')
  const ben = await stage.user(two, 'ben')
  await ann.ok({ type: 'join', room: 'chat:steady' })
  const publishing = publishSteadily(ben, 'chat:steady', { everyMs: 3 })
  for (let n = 0; n < 10; n++) {
    await ann.ok(joinAll('chat'), 10_000)
    await pause(20)
    await ann.ok({ type: 'leave', room: 'chat:*' })
  }
  const published = await publishing.stop()
  await eventually(() => ann.dataOf('chat:steady')).toEqual(published.map(({ n }) => n))
})
