// Histories as clients see them, over two gateways, a router that makes the streams, and a real nats-server.
import { describe, expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { brokenLinks, historyCluster, messagesOf } from '../harness/history.ts'
import { test } from '../harness/stage.ts'

const publish = (room: string, data: unknown, fields: object = {}) => ({ type: 'publish', room, data, ...fields })

describe('a room with history', () => {
  test('stores what is published, tells its place, and delivers it in one order over all gateways', async ({
    stage,
  }) => {
    const { gateways } = await historyCluster(stage)
    const [one, two] = gateways as [(typeof gateways)[0], (typeof gateways)[0]]
    const ann = await stage.user(one, 'ann')
    const ben = await stage.user(two, 'ben', { encoding: 'msgpack' })
    const joined = await ann.ok({ type: 'join', room: 'chat:a' })
    expect(joined).toMatchObject({ epoch: expect.any(String), offset: 0 })
    await ben.ok({ type: 'join', room: 'chat:a' })
    const answers = await Promise.all([1, 2, 3].map((n) => ann.ok(publish('chat:a', { n }))))
    expect(answers.map(({ offset }) => offset)).toEqual([1, 2, 3])
    await ben.ok(publish('chat:a', { n: 4 }))
    for (const client of [ann, ben]) {
      await eventually(() => messagesOf(client, 'chat:a').length).toBe(4)
      expect(messagesOf(client, 'chat:a').map(({ data }) => data)).toEqual([1, 2, 3, 4].map((n) => ({ n })))
      expect(brokenLinks(messagesOf(client, 'chat:a'), 0)).toEqual([])
    }
    expect(messagesOf(ann, 'chat:a')[0]).toMatchObject({ from: 'ann', offset: 1, prev: 0, time: expect.any(Number) })
  })

  test('case 14: gives who was away exactly what was published meanwhile', async ({ stage }) => {
    const { gateways } = await historyCluster(stage)
    const [one, two] = gateways as [(typeof gateways)[0], (typeof gateways)[0]]
    const ann = await stage.user(one, 'ann')
    const { epoch, offset, time } = await ann.ok({ type: 'join', room: 'chat:a' })
    ann.socket.terminate()
    const ben = await stage.user(two, 'ben')
    for (const n of [1, 2, 3]) await ben.ok(publish('chat:a', n))
    const back = await stage.user(two, 'ann')
    const ok = await back.ok({ type: 'join', room: 'chat:a', since: { epoch, offset, time } })
    expect(ok).toMatchObject({ recovered: true, offset: 3 })
    expect(messagesOf(back, 'chat:a').map(({ data }) => data)).toEqual([1, 2, 3])
    expect(brokenLinks(messagesOf(back, 'chat:a'), Number(offset))).toEqual([])
    await ben.ok(publish('chat:a', 4))
    await eventually(() => messagesOf(back, 'chat:a').length).toBe(4)
  })

  test('stores a key once, and tells the second that it is one', async ({ stage }) => {
    const { gateways } = await historyCluster(stage, { gateways: 1 })
    const ann = await stage.user(gateways[0] as never, 'ann')
    const ben = await stage.user(gateways[0] as never, 'ben')
    await ann.ok({ type: 'join', room: 'chat:a' })
    const first = await ann.ok(publish('chat:a', 1, { key: 'k' }))
    const again = await ann.ok(publish('chat:a', 1, { key: 'k' }))
    expect(again).toMatchObject({ offset: first.offset, duplicate: true })
    expect('duplicate' in first).toBe(false)
    expect('duplicate' in (await ben.ok(publish('chat:a', 2, { key: 'k' })))).toBe(false)
    expect('duplicate' in (await ann.ok(publish('chat:b', 3, { key: 'k' })))).toBe(false)
    await eventually(() => messagesOf(ann, 'chat:a').map(({ data, key }) => [data, key])).toEqual([
      [1, 'k'],
      [2, 'k'],
    ])
  })

  test('case 30: gives the last messages on join and then live ones, without a hole between', async ({ stage }) => {
    const { gateways } = await historyCluster(stage, { gateways: 2 })
    const [one, two] = gateways as [(typeof gateways)[0], (typeof gateways)[0]]
    const ann = await stage.user(one, 'ann')
    for (let n = 1; n <= 30; n++) await ann.ok(publish('chat:a', n))
    let publishing = true
    const flood = (async () => {
      for (let n = 31; publishing; n++) await ann.ok(publish('chat:a', n))
    })()
    const ben = await stage.user(two, 'ben')
    await ben.ok({ type: 'join', room: 'chat:a', history: 20 })
    expect(messagesOf(ben, 'chat:a').length).toBeGreaterThanOrEqual(20)
    await eventually(() => messagesOf(ben, 'chat:a').length).toBeGreaterThan(40)
    publishing = false
    await flood
    expect(brokenLinks(messagesOf(ben, 'chat:a'))).toEqual([])
    const numbers = messagesOf(ben, 'chat:a').map(({ data }) => Number(data))
    expect(numbers).toEqual(numbers.map((_, at) => (numbers[0] as number) + at))
  })

  test('pages both ways', async ({ stage }) => {
    const { gateways } = await historyCluster(stage, { gateways: 1 })
    for (const encoding of ['json', 'msgpack'] as const) {
      const room = `chat:${encoding}`
      const ann = await stage.user(gateways[0] as never, 'ann', { encoding })
      const offsets: number[] = []
      for (let n = 0; n < 25; n++) {
        offsets.push(Number((await ann.ok(publish(room, n))).offset))
        await ann.ok(publish('chat:other', n))
      }
      const page = async (fields: object) => {
        const { messages, more, epoch } = await ann.ok({ type: 'history', room, limit: 10, ...fields })
        expect(epoch).toEqual(expect.any(String))
        return { data: (messages as { data: number }[]).map(({ data }) => data), more }
      }
      const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at)
      expect(await page({})).toEqual({ data: numbers(15, 25), more: true })
      expect(await page({ before: offsets[15] })).toEqual({ data: numbers(5, 15), more: true })
      expect(await page({ before: offsets[5] })).toEqual({ data: numbers(0, 5), more: false })
      expect(await page({ after: 0 })).toEqual({ data: numbers(0, 10), more: true })
      expect(await page({ after: offsets[9] })).toEqual({ data: numbers(10, 20), more: true })
      expect(await page({ after: offsets[19] })).toEqual({ data: numbers(20, 25), more: false })
      expect(await page({ after: offsets[24] })).toEqual({ data: [], more: false })
    }
  })

  test('keeps the publisher’s chain whole though it does not hear itself', async ({ stage }) => {
    const { gateways } = await historyCluster(stage, { gateways: 2 })
    const [one, two] = gateways as [(typeof gateways)[0], (typeof gateways)[0]]
    const ann = await stage.user(one, 'ann')
    const ben = await stage.user(two, 'ben')
    await ann.ok({ type: 'join', room: 'quiet:a' })
    await ben.ok({ type: 'join', room: 'quiet:a' })
    const sent = Array.from({ length: 50 }, (_, n) =>
      (n % 2 === 0 ? ann : ben).ok(publish('quiet:a', n, { key: `k${n}` })),
    )
    await Promise.all(sent)
    for (const client of [ann, ben]) {
      const links = () =>
        client.frames.filter(({ type, prev }) => ['message', 'ok'].includes(type) && prev !== undefined)
      await eventually(() => links().length).toBe(50)
      expect(brokenLinks(links(), 0)).toEqual([])
    }
  })

  test('says that a position of another history, or behind its end, is not recovered', async ({ stage }) => {
    const { gateways } = await historyCluster(stage, { gateways: 1 })
    const ann = await stage.user(gateways[0] as never, 'ann')
    await ann.ok(publish('chat:a', 1))
    const { epoch } = await ann.ok({ type: 'join', room: 'chat:b' })
    const wrong: [object, string][] = [
      [{ epoch: 'other', offset: 1 }, 'epoch'],
      [{ epoch, offset: 999 }, 'ahead'],
      [{ epoch, offset: 1, time: 5 }, 'mismatch'],
    ]
    for (const [since, reason] of wrong) {
      const ben = await stage.user(gateways[0] as never, 'ben')
      expect(await ben.ok({ type: 'join', room: 'chat:a', since })).toMatchObject({ recovered: false })
      expect(ben.frames.filter(({ type }) => type === 'gap')).toMatchObject([{ reason, room: 'chat:a', epoch }])
      await ann.ok(publish('chat:c', 1))
    }
  })

  test('says that what is no longer kept is not recovered', async ({ stage }) => {
    const { gateways } = await historyCluster(stage)
    const ann = await stage.user(gateways[0] as never, 'ann')
    const { epoch, offset } = await ann.ok({ type: 'join', room: 'short:a' })
    for (let n = 1; n <= 15; n++) await ann.ok(publish('short:a', n))
    // The gateway of the first has the messages at hand; the other must read.
    const ben = await stage.user(gateways[1] as never, 'ben')
    const ok = await ben.ok({ type: 'join', room: 'short:a', since: { epoch, offset }, history: 5 })
    expect(ok).toMatchObject({ recovered: false, offset: 15 })
    expect(messagesOf(ben, 'short:a').map(({ data }) => data)).toEqual([11, 12, 13, 14, 15])
    const gap = ben.frames.find(({ type }) => type === 'gap')
    expect(gap).toMatchObject({ reason: 'expired', from: 0 })
    expect(brokenLinks(messagesOf(ben, 'short:a'), Number(gap?.offset))).toEqual([])
  })
})

describe('an inbox', () => {
  test('keeps messages for a user who is away', async ({ stage }) => {
    const { gateways, nats } = await historyCluster(stage, { gateways: 2 })
    const [one, two] = gateways as [(typeof gateways)[0], (typeof gateways)[0]]
    const ann = await stage.user(one, 'ann', { grants: { send: ['*'] } })
    await ann.ok({ type: 'send', user: 'ben', data: 1 })
    const ben = await stage.user(two, 'ben')
    const start = await ben.ok({ type: 'join', user: 'ben', history: 10 })
    expect(start).toMatchObject({ offset: 1 })
    expect(ben.frames.filter(({ type }) => type === 'message')).toMatchObject([{ user: 'ben', data: 1, offset: 1 }])
    await ann.ok({ type: 'send', user: 'ben', data: 2 })
    await ann.ok({ type: 'send', user: 'ben', data: 3, ephemeral: true })
    await eventually(() => ben.frames.filter(({ type }) => type === 'message').map(({ data }) => data)).toEqual([
      1, 2, 3,
    ])
    expect(await ben.refused({ type: 'join', user: 'ben' })).toBe('already_joined')
    expect(await ben.refused({ type: 'join', user: 'ann' })).toBe('forbidden')
    await ben.ok({ type: 'leave', user: 'ben' })
    await ann.ok({ type: 'send', user: 'ben', data: 4 })
    const again = await ben.ok({ type: 'join', user: 'ben', since: { epoch: start.epoch, offset: 2 } })
    expect(again).toMatchObject({ recovered: true, offset: 3 })
    const client = await nats.connect()
    client.publish('sluice.user.ben', '5')
    await eventually(() => ben.frames.filter(({ type }) => type === 'message').map(({ data }) => data)).toEqual([
      1, 2, 3, 4, 5,
    ])
    const page = await ben.ok({ type: 'history', user: 'ben', limit: 10 })
    expect((page.messages as { data: number }[]).map(({ data }) => data)).toEqual([1, 2, 4])
  })
})
