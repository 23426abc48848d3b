// How much of a history goes to one socket at a time: catching up is paced by whoever reads, pages are bounded by the queue, and a join
// that asks for members and for history gets both in order.
import { describe, expect } from 'vitest'
import type { Frame } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import {
  brokenLinks,
  HISTORY_SETTINGS,
  messagesOf,
  positionOf,
  publishTo,
  testWithHistory,
} from '../harness/history.ts'
import { storeAll } from '../harness/history-stream.ts'
import { until } from '../harness/until.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const test = testWithHistory({
  namespaces: {
    ...HISTORY_SETTINGS.namespaces,
    deep: { ...open, history: { messages: 20_000, seconds: 3600 } },
    seen: { ...open, presence: true, history: { messages: 100, seconds: 3600 } },
  },
})

/** The gateway's queue for one connection holds 1 MiB. */
const QUEUE_BYTES = 1024 * 1024

describe('a reader that takes its time', () => {
  test('over a long history is waited for, not closed, and misses nothing that is published meanwhile', {
    timeout: 90_000,
  }, async ({ stage, cluster: { nats, one, two } }) => {
    const service = await nats.connect()
    const subject = 'sluice.pub.room.deep.long'
    const stored = Array.from({ length: LONG }, (_, n) => ({ subject, data: JSON.stringify({ n, text: TEXT }) }))
    const ann = await stage.user(two, 'long-ann')
    const position = positionOf(await ann.ok({ type: 'join', room: 'deep:long' }))
    await ann.ok({ type: 'leave', room: 'deep:long' })
    await storeAll(service, stored)
    const slow = await stage.user(one, 'long-slow')
    const before = (await one.metrics()).value('deliveries_total')
    slow.socket.pause()
    slow.send({ type: 'join', id: 'long', room: 'deep:long', since: position })
    const delivered = async (): Promise<number> => (await one.metrics()).value('deliveries_total') - before
    let last = -1
    // It stands still when what is underway fills the socket's buffers and a part of its queue.
    const stoodAt = await until(
      async () => {
        const now = await delivered()
        const still = now > 0 && now === last
        last = now
        return still ? now : null
      },
      { everyMs: 500, timeoutMs: 20_000, what: 'a delivery that stands still' },
    )
    expect(stoodAt).toBeLessThan(LONG)
    // What others publish meanwhile is read later: none of it waits for this one.
    await storeAll(service, stored.slice(0, MEANWHILE))
    expect(await delivered()).toBeLessThan(stoodAt + MEANWHILE)
    expect((await one.metrics()).value('queue_bytes')).toBeLessThan(QUEUE_BYTES)
    slow.socket.resume()
    const ok = await slow.next(({ id }) => id === 'long', 60_000)
    expect(ok).toMatchObject({ type: 'ok', recovered: true })
    await storeAll(service, stored.slice(0, 10))
    await eventually(() => messagesOf(slow, 'deep:long').length).toBe(LONG + MEANWHILE + 10)
    expect(brokenLinks(messagesOf(slow, 'deep:long'), position.offset)).toEqual([])
    expect(slow.close).toBeNull()
    expect((await one.metrics()).value('slow_consumers_total')).toBe(0)
  })

  test('a page of big messages stays within the queue, says that there is more, and pages go on to the end', async ({
    stage,
    cluster: { nats, one },
  }) => {
    const service = await nats.connect()
    const subject = 'sluice.pub.room.chat.big'
    const text = 'x'.repeat(60_000)
    const big = Array.from({ length: 40 }, (_, n) => ({ subject, data: JSON.stringify({ n, text }) }))
    const offsets = await storeAll(service, big)
    for (const encoding of ['json', 'msgpack'] as const) {
      const ann = await stage.user(one, 'big-ann', { encoding })
      for (const forwards of [true, false]) {
        const got: Frame[] = []
        for (let more = true; more; ) {
          const bound = forwards
            ? { after: got.at(-1)?.offset ?? 0 }
            : got.length === 0
              ? {}
              : { before: got[0]?.offset }
          const page = await ann.ok({ type: 'history', room: 'chat:big', limit: 40, ...bound }, 15_000)
          const messages = page.messages as Frame[]
          more = page.more === true
          expect(messages.length).toBeGreaterThan(0)
          expect(messages.length * text.length).toBeLessThan(QUEUE_BYTES)
          if (forwards) got.push(...messages)
          else got.unshift(...messages)
        }
        expect(got.map(({ offset }) => offset)).toEqual(offsets)
        expect(brokenLinks(got, 0)).toEqual([])
      }
      expect(ann.close).toBeNull()
    }
  })

  test('the last messages on join may be more than the queue holds', async ({ stage, cluster: { nats, one, two } }) => {
    const service = await nats.connect()
    const subject = 'sluice.pub.room.chat.lasts'
    const text = 'x'.repeat(60_000)
    const offsets = await storeAll(
      service,
      Array.from({ length: 40 }, (_, n) => ({ subject, data: JSON.stringify({ n, text }) })),
    )
    for (const gateway of [one, two]) {
      const ann = await stage.user(gateway, 'lasts-ann')
      const ok = await ann.ok({ type: 'join', room: 'chat:lasts', history: 40 }, 15_000)
      expect(ok).toMatchObject({ offset: expect.any(Number) })
      const got = messagesOf(ann, 'chat:lasts').map(({ offset }) => Number(offset))
      // As many as one read brings, and those without a hole up to the end.
      expect(got).toEqual(offsets.slice(-got.length))
      expect(got.length).toBeGreaterThan(5)
      expect(ann.close).toBeNull()
    }
  })
})

test('a join that asks for members and history gets the messages, then both in its `ok`, then what is live', async ({
  stage,
  cluster: { one, two },
}) => {
  const ann = await stage.user(one, 'both-ann')
  await ann.ok({ type: 'join', room: 'seen:both' })
  for (const n of [1, 2, 3]) await ann.ok(publishTo('seen:both', n))
  const ben = await stage.user(two, 'both-ben')
  const ok = await ben.ok({ type: 'join', room: 'seen:both', presence: true, history: 2 }, 15_000)
  expect((ok.members as { user: string }[]).map(({ user }) => user).sort()).toEqual(['both-ann', 'both-ben'])
  expect(ok).toMatchObject({ count: 2, epoch: expect.any(String) })
  await ann.ok(publishTo('seen:both', 4))
  const eve = await stage.user(one, 'both-eve')
  await eve.ok({ type: 'join', room: 'seen:both' })
  await ben.next(({ type }) => type === 'joined')
  await eventually(() => messagesOf(ben, 'seen:both')).toHaveLength(3)
  const order = ben.frames.filter(({ type }) => type !== 'welcome').map(({ type, data }) => [type, data])
  expect(order.slice(0, 3)).toEqual([
    ['message', 2],
    ['message', 3],
    ['ok', undefined],
  ])
  expect(order.slice(3).sort()).toEqual([
    ['joined', undefined],
    ['message', 4],
  ])
  // With a position in the place of a number, and nobody's view disturbed.
  const { epoch, offset, time } = ok
  await ben.ok({ type: 'leave', room: 'seen:both' })
  const again = await ben.ok(
    { type: 'join', room: 'seen:both', presence: true, since: { epoch, offset, time } },
    15_000,
  )
  expect(again).toMatchObject({ recovered: true, count: 3 })
  expect(messagesOf(ben, 'seen:both').at(-1)).toMatchObject({ data: 4 })
})

const LONG = 4000
const MEANWHILE = 500
const TEXT = 'x'.repeat(4000)
