import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type HistoryBench,
  hearing,
  offsets,
  openHistoryBench,
  portOf,
  prevs,
} from '../../../test/harness/history-bench.ts'
import { askJetStream } from '../../../test/harness/history-stream.ts'
import type { HistoryMessage } from './history-message.ts'
import type { NatsPort } from './port.ts'

const END = Number.MAX_SAFE_INTEGER

let bench: HistoryBench
beforeAll(async () => {
  bench = await openHistoryBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

describe('a backward read', () => {
  test('brings the last ones in ascending order, with what lies before them', async () => {
    const { stream, of, write } = await bench.namespace()
    await write(...Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? 'a' : 'b')))
    const page = await bench.reader().backward({ stream, subject: of('a'), before: END, messagesMax: 3 })
    expect(offsets(page.messages)).toEqual([95, 97, 99])
    expect(prevs(page.messages)).toEqual([93, 95, 97])
    expect(page.more).toBe(true)
  })

  test('goes back page by page to the oldest', async () => {
    const { stream, of, write } = await bench.namespace()
    const rooms = Array.from({ length: 500 }, (_, at) => (at % 7 === 0 || (at > 200 && at < 260) ? 'a' : 'b'))
    const stored = await write(...rooms)
    const expected = stored.filter((_, at) => rooms[at] === 'a')
    const reader = bench.reader()
    const read: HistoryMessage[] = []
    for (let before = END; ; ) {
      const page = await reader.backward({ stream, subject: of('a'), before, messagesMax: 10 })
      read.unshift(...page.messages)
      before = read[0]?.offset ?? 0
      if (!page.more) break
    }
    expect(offsets(read)).toEqual(expected)
    // The pages join without a seam.
    expect(prevs(read)).toEqual([0, ...expected.slice(0, -1)])
  })

  test('of fewer messages than asked for brings all, and of none nothing', async () => {
    const { stream, of, write } = await bench.namespace()
    await write('a', 'b', 'a')
    const reader = bench.reader()
    const all = await reader.backward({ stream, subject: of('a'), before: END, messagesMax: 20 })
    expect([offsets(all.messages), prevs(all.messages), all.more]).toEqual([[1, 3], [0, 1], false])
    const nothing = { messages: [], more: false }
    expect(await reader.backward({ stream, subject: of('a'), before: 1, messagesMax: 20 })).toEqual(nothing)
    expect(await reader.backward({ stream, subject: of('c'), before: END, messagesMax: 20 })).toEqual(nothing)
  })

  test('of messages that were evicted says that nothing older is kept', async () => {
    const { stream, of, write } = await bench.namespace({ messagesPerSubject: 5 })
    await write(...Array.from({ length: 12 }, () => 'a'))
    const page = await bench.reader().backward({ stream, subject: of('a'), before: 11, messagesMax: 20 })
    expect([offsets(page.messages), prevs(page.messages), page.more]).toEqual([[8, 9, 10], [0, 8, 9], false])
  })

  test('brings the newest where not all fit into its bytes', async () => {
    const { stream, of, fill } = await bench.namespace()
    // Small ones first: where it aims by count, a page is full long before the end.
    const sizes = Array.from({ length: 300 }, (_, at) => (at < 200 ? 100 : 60_000))
    await fill('a', sizes)
    const ear = hearing(bench.link)
    const reader = bench.reader({ nats: ear.port })
    const page = await reader.backward({ stream, subject: of('a'), before: END, messagesMax: 250 })
    const read = offsets(page.messages)
    expect(read.at(-1)).toBe(300)
    expect(read).toEqual(Array.from({ length: read.length }, (_, at) => 301 - read.length + at))
    expect(read.length).toBeGreaterThanOrEqual(10)
    expect(read.length).toBeLessThan(20)
    expect(page.more).toBe(true)
    expect(page.messages[0]?.prev).toBe((read[0] as number) - 1)
    // Of some 6 MB that lie between.
    expect(ear.heard.bytes).toBeLessThan(4_000_000)
  })

  test.each([
    ['even', (at: number) => at % 50 === 0],
    ['long silent', (at: number) => at < 60],
    ['crowded at the end', (at: number) => at > 2900 || at < 5],
    ['crowded at both ends', (at: number) => at > 2990 || at < 500],
  ])('finds the last 20 of a room that is %s with few probes', async (_, isIn) => {
    const { stream, of, write } = await bench.namespace()
    const rooms = Array.from({ length: 3000 }, (_, at) => (isIn(at) ? 'a' : 'b'))
    const stored = await write(...rooms)
    const expected = stored.filter((_, at) => rooms[at] === 'a').slice(-20)
    const ear = hearing(bench.link)
    const reader = bench.reader({ nats: ear.port })
    const page = await reader.backward({ stream, subject: of('a'), before: END, messagesMax: 20 })
    expect(offsets(page.messages)).toEqual(expected)
    // Each probe brings a message and its end; one read brings some more than 20.
    expect(reader.count('probe')).toBeLessThanOrEqual(14)
    expect(ear.heard.messages).toBeLessThan(60)
  })

  test('is not shortened by what is stored meanwhile', async () => {
    const { stream, of, write } = await bench.namespace({ messagesPerSubject: 1_000_000 })
    await write(...Array.from({ length: 200 }, () => 'a'))
    const reader = bench.reader()
    let writing = true
    const writer = (async () => {
      while (writing) await write(...Array.from({ length: 10 }, () => 'a'))
    })()
    try {
      for (let round = 0; round < 50; round++) {
        const before = round % 2 === 0 ? END : 150
        const { messages } = await reader.backward({ stream, subject: of('a'), before, messagesMax: 1 })
        expect(messages).toHaveLength(1)
        if (before === 150) expect(messages[0]?.offset).toBe(149)
      }
    } finally {
      writing = false
      await writer
    }
  })

  test('counts on what is stored between its questions', async () => {
    const { stream, of, write } = await bench.namespace({ messagesPerSubject: 1_000_000 })
    await write(...Array.from({ length: 200 }, () => 'a'))
    const subscribe: NatsPort['subscribe'] = (subject, deliver) => {
      let before: Promise<unknown> = Promise.resolve()
      return bench.link.subscribe(subject, (message) => {
        before = before.then(() => write('a', 'a', 'a', 'a', 'a')).then(() => deliver(message))
      })
    }
    const reader = bench.reader({ nats: portOf(bench.link, { subscribe }) })
    const page = await reader.backward({ stream, subject: of('a'), before: 150, messagesMax: 2 })
    expect(offsets(page.messages)).toEqual([148, 149])
    expect(reader.count('stale')).toBeGreaterThan(0)
  })

  test('reaches what must be reached, and lets it go where it is deleted', async () => {
    const { stream, of, write } = await bench.namespace()
    await write('a', 'a', 'a')
    await askJetStream(bench.client, `STREAM.MSG.DELETE.${stream}`, { seq: 3 })
    const reader = bench.reader()
    const page = await reader.backward({ stream, subject: of('a'), before: END, upTo: 3, messagesMax: 20 })
    expect(offsets(page.messages)).toEqual([1, 2])
    expect(reader.count('leader')).toBeGreaterThan(0)
    const behind = reader.backward({ stream, subject: of('a'), before: END, upTo: 4, messagesMax: 20 })
    await expect(behind).rejects.toMatchObject({ reason: 'behind' })
  })
})
