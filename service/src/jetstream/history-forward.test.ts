import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type HistoryBench, offsets, openHistoryBench, prevs } from '../../../test/harness/history-bench.ts'
import { askJetStream, storeAll } from '../../../test/harness/history-stream.ts'
import type { HistoryMessage } from './history-message.ts'

const END = Number.MAX_SAFE_INTEGER
const texts = (messages: readonly HistoryMessage[]): string[] => messages.map(({ message }) => message.string())

let bench: HistoryBench
beforeAll(async () => {
  bench = await openHistoryBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

describe('a forward read', () => {
  test('brings the messages of its room alone, in order, each with the one before', async () => {
    const { stream, of, write } = await bench.namespace()
    const stored = await write('a', 'b', 'a', 'b', 'b', 'a')
    const { messages, more, following } = await bench.reader().forward({
      stream,
      subject: of('a'),
      from: 1,
      upTo: stored[5] as number,
      messagesMax: 100,
    })
    expect(offsets(messages)).toEqual([1, 3, 6])
    expect(prevs(messages)).toEqual([0, 1, 3])
    expect(texts(messages)).toEqual(['0', '2', '5'])
    expect([more, following]).toEqual([false, 3])
  })

  test('begins with the very message at `from`, whose `prev` no older one is above', async () => {
    const { stream, of, write } = await bench.namespace()
    await write('a', 'b', 'a', 'a')
    const { messages } = await bench.reader().forward({ stream, subject: of('a'), from: 3, upTo: 4, messagesMax: 100 })
    expect(messages.map(({ offset, prev }) => [offset, prev])).toEqual([
      [3, 2],
      [4, 3],
    ])
  })

  test('is ended by its count, and says how many lie behind', async () => {
    const { stream, of, write } = await bench.namespace()
    await write(...Array.from({ length: 50 }, () => 'a'))
    const read = { stream, subject: of('a'), upTo: 50, messagesMax: 20 }
    const first = await bench.reader().forward({ ...read, from: 1 })
    expect([first.messages.length, first.more, first.following]).toEqual([20, true, 50])
    const last = await bench.reader().forward({ ...read, from: 31 })
    expect([last.messages.length, last.more, last.following]).toEqual([20, false, 20])
  })

  test('is ended by its bytes; page after page brings every message once', async () => {
    const { stream, of, fill } = await bench.namespace()
    const stored = await fill(
      'a',
      Array.from({ length: 40 }, (_, at) => 1000 + at * 6000),
    )
    const reader = bench.reader()
    const read: number[] = []
    let pages = 0
    for (let from = 1; ; pages++) {
      const page = await reader.forward({ stream, subject: of('a'), from, upTo: 40, messagesMax: 1000 })
      const bytes = page.messages.reduce((sum, { message }) => sum + message.data.length, 0)
      expect(bytes).toBeLessThan(1024 * 1024 + 250_000)
      read.push(...offsets(page.messages))
      from = (read.at(-1) as number) + 1
      if (!page.more) break
    }
    expect(read).toEqual(stored)
    expect(pages).toBeGreaterThan(3)
    expect(reader.count('stale')).toBe(0)
  })

  test('is ended by the bytes of headers too, and no reason to ask the leader', async () => {
    const { stream, of } = await bench.namespace()
    const headers = { 'X-Large': 'x'.repeat(3000) }
    await storeAll(
      bench.client,
      Array.from({ length: 900 }, () => ({ subject: of('a'), data: '1', headers })),
    )
    const reader = bench.reader()
    const page = await reader.forward({ stream, subject: of('a'), from: 1, upTo: 900, messagesMax: 1000 })
    expect(page.messages.length).toBeLessThan(400)
    expect([page.more, page.following]).toEqual([true, 900])
    const last = await reader.backward({ stream, subject: of('a'), before: END, messagesMax: 800 })
    expect(offsets(last.messages).at(-1)).toBe(900)
    expect(last.messages.length).toBeGreaterThan(200)
    expect([reader.count('stale'), reader.count('leader')]).toEqual([0, 0])
  })

  test('of a room without messages, and one behind the end, bring nothing at once', async () => {
    const { stream, of, write } = await bench.namespace()
    await write('a', 'a')
    const reader = bench.reader()
    const nothing = { messages: [], more: false, following: 0 }
    expect(await reader.forward({ stream, subject: of('b'), from: 1, upTo: 0, messagesMax: 9 })).toEqual(nothing)
    expect(await reader.forward({ stream, subject: of('a'), from: 3, upTo: 2, messagesMax: 9 })).toEqual(nothing)
    expect(await reader.forward({ stream, subject: of('a'), from: END, upTo: 0, messagesMax: 9 })).toEqual(nothing)
    expect(reader.count('stale')).toBe(0)
    expect(reader.count('leader')).toBe(0)
  })

  test('knows only what is kept of a room whose oldest have been evicted', async () => {
    const { stream, of, write } = await bench.namespace({ messagesPerSubject: 5 })
    await write(...Array.from({ length: 12 }, () => 'a'))
    const page = await bench.reader().forward({ stream, subject: of('a'), from: 2, upTo: 12, messagesMax: 100 })
    expect(offsets(page.messages)).toEqual([8, 9, 10, 11, 12])
    expect(page.messages[0]?.prev).toBe(1)
    expect(page.following).toBe(5)
  })

  test('believes that a message is gone only when the leader says so', async () => {
    const { stream, of, write } = await bench.namespace()
    await write('a', 'a', 'a')
    await askJetStream(bench.client, `STREAM.MSG.DELETE.${stream}`, { seq: 3 })
    const reader = bench.reader()
    const page = await reader.forward({ stream, subject: of('a'), from: 1, upTo: 3, messagesMax: 100 })
    expect([offsets(page.messages), page.more, page.following]).toEqual([[1, 2], false, 2])
    expect(reader.count('stale')).toBeGreaterThan(1)
    expect(reader.count('leader')).toBe(2)
  })

  test('of a purged room ends empty', async () => {
    const { stream, of, write } = await bench.namespace()
    await write('a', 'b', 'a')
    await askJetStream(bench.client, `STREAM.PURGE.${stream}`, { filter: of('a') })
    const page = await bench.reader().forward({ stream, subject: of('a'), from: 1, upTo: 3, messagesMax: 100 })
    expect(page).toEqual({ messages: [], more: false, following: 0 })
  })

  test('up to what the leader has never stored is refused, not answered', async () => {
    const { stream, of, write } = await bench.namespace()
    await write('a')
    const read = bench.reader().forward({ stream, subject: of('a'), from: 1, upTo: 7, messagesMax: 100 })
    await expect(read).rejects.toMatchObject({ name: 'HistoryUnavailable', reason: 'behind' })
  })

  test('over a wildcard keeps a chain for each room', async () => {
    const { stream, of, write } = await bench.namespace()
    await write('a', 'b', 'b', 'a')
    const { messages } = await bench.reader().forward({ stream, subject: of('*'), from: 2, upTo: 4, messagesMax: 100 })
    expect(messages.map(({ subject, offset, prev }) => [subject, offset, prev])).toEqual([
      [of('b'), 2, 1],
      [of('b'), 3, 2],
      [of('a'), 4, 1],
    ])
  })

  test('is one read for all who ask the same at the same time', async () => {
    const { stream, of, write } = await bench.namespace()
    await write('a', 'a', 'a')
    const reader = bench.reader()
    const read = { stream, subject: of('a'), from: 1, upTo: 3, messagesMax: 100 }
    const answers = await Promise.all([
      ...Array.from({ length: 50 }, () => reader.forward(read)),
      reader.forward({ ...read, upTo: 2 }),
    ])
    expect(answers.map(({ messages }) => messages.length)).toEqual(answers.map(() => 3))
    expect([reader.count('forward'), reader.count('shared')]).toEqual([1, 50])
    // Another start, another bound, or what must be reached and was not asked for, are other reads.
    await Promise.all([
      reader.forward({ ...read, upTo: 2 }),
      reader.forward(read),
      reader.forward({ ...read, from: 2 }),
      reader.forward({ ...read, upTo: 0, messagesMax: 1 }),
    ])
    expect([reader.count('forward'), reader.count('shared')]).toEqual([5, 50])
  })
})
