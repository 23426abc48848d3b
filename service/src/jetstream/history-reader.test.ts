import { createHistoryStores } from '@sluice/proto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type HistoryBench, offsets, openHistoryBench, portOf } from '../../../test/harness/history-bench.ts'
import { askJetStream, makeHistory, storeAll } from '../../../test/harness/history-stream.ts'
import type { HistoryMessage } from './history-message.ts'
import { historyState } from './history-state.ts'

const END = Number.MAX_SAFE_INTEGER
const texts = (messages: readonly HistoryMessage[]): string[] => messages.map(({ message }) => message.string())

let bench: HistoryBench
beforeAll(async () => {
  bench = await openHistoryBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

describe('headers', () => {
  const forged = {
    'Nats-Sequence': '4711',
    'Nats-Last-Sequence': '4710',
    'Nats-Time-Stamp': '2001-01-01T00:00:00Z',
    'Nats-Subject': 'sluice.pub.room.other.room',
    'Nats-Num-Pending': '99',
    'Nats-UpTo-Sequence': '999999',
    'Nats-Stream': 'OTHER',
  }

  test('of a publisher that are named like those of the stream have no effect', async () => {
    const { stream, of } = await bench.namespace()
    await storeAll(
      bench.client,
      [1, 2, 3].map((at) => ({ subject: of('a'), data: `${at}`, headers: forged })),
    )
    const reader = bench.reader()
    const forward = await reader.forward({ stream, subject: of('a'), from: 1, upTo: 3, messagesMax: 2 })
    expect(forward.messages.map(({ offset, prev, subject }) => [offset, prev, subject])).toEqual([
      [1, 0, of('a')],
      [2, 1, of('a')],
    ])
    expect([forward.more, forward.following]).toEqual([true, 3])
    const backward = await reader.backward({ stream, subject: of('a'), before: END, messagesMax: 2 })
    expect(offsets(backward.messages)).toEqual([2, 3])
    const lasts = await reader.lasts(stream, [of('a'), of('none')], 3)
    expect(lasts.get(of('a'))?.offset).toBe(3)
    for (const { time } of [...forward.messages, ...backward.messages, ...lasts.values()])
      expect(Math.abs(time - Date.now())).toBeLessThan(60_000)
  })

  test('of a publisher come with the message, from any server and from the leader alike', async () => {
    const { stream, of } = await bench.namespace()
    const headers = { 'Sluice-From': 'ann', 'Sluice-Event': 'x', ...forged }
    await storeAll(bench.client, [
      { subject: of('a'), data: 'ä', headers },
      { subject: of('a'), data: '' },
    ])
    const read = { stream, subject: of('a'), from: 1, upTo: 2, messagesMax: 9 }
    const direct = await bench.reader().forward(read)
    const leader = await bench.reader({ nats: portOf(bench.link, { publish: () => true }) }).forward(read)
    const seen = ({ messages }: { readonly messages: readonly HistoryMessage[] }) =>
      messages.map(({ message, ...place }) => ({
        ...place,
        text: message.string(),
        from: message.headers?.get('Sluice-From') ?? '',
        event: message.headers?.get('Sluice-Event') ?? '',
      }))
    expect(seen(leader)).toEqual(seen(direct))
    expect(seen(direct)[0]).toMatchObject({ text: 'ä', from: 'ann', event: 'x', offset: 1 })
  }, 30_000)
})

describe('a message whose headers can not be read', () => {
  test('keeps its place in the chain, and says so only to who reads them', async () => {
    const { stream, of, write, poison } = await bench.namespace()
    await write('a')
    await poison('a')
    await poison('a')
    await write('a')
    await poison('a')
    const reader = bench.reader()
    const page = await reader.forward({ stream, subject: of('a'), from: 1, upTo: 5, messagesMax: 100 })
    expect([offsets(page.messages), page.more, page.following]).toEqual([[1, 2, 3, 4, 5], false, 5])
    expect(texts(page.messages)).toEqual(['0', '{}', '{}', '0', '{}'])
    expect(() => page.messages[1]?.message.headers).toThrow()
    expect(reader.count('leader')).toBe(3)
    expect(reader.count('stale')).toBe(0)
    const last = await reader.backward({ stream, subject: of('a'), before: END, messagesMax: 2 })
    expect(offsets(last.messages)).toEqual([4, 5])
    const first = await reader.forward({ stream, subject: of('a'), from: 1, upTo: 5, messagesMax: 2 })
    expect([offsets(first.messages), first.more, first.following]).toEqual([[1, 2], true, 5])
    expect([reader.count('stale'), reader.count('failed')]).toEqual([0, 0])
  })

  test('is the last of its room all the same', async () => {
    const { stream, of, write, poison } = await bench.namespace()
    await write('a', 'b')
    await poison('a')
    const lasts = await bench.reader().lasts(stream, [of('a'), of('b'), of('none')], 3)
    expect([lasts.get(of('a'))?.offset, lasts.get(of('b'))?.offset, lasts.size]).toEqual([3, 2, 2])
  })
})

describe('a stream', () => {
  test('that is not there is told as that', async () => {
    const reader = bench.reader()
    const stream = 'SLUICE_HISTORY_never'
    const reason = { name: 'HistoryUnavailable', reason: 'no-stream' }
    await expect(reader.lasts(stream, ['a'], 1)).rejects.toMatchObject(reason)
    await expect(reader.forward({ stream, subject: 'a', from: 1, upTo: 1, messagesMax: 1 })).rejects.toMatchObject(
      reason,
    )
    await expect(reader.backward({ stream, subject: 'a', before: 9, messagesMax: 1 })).rejects.toMatchObject(reason)
    expect(await historyState(bench.link, stream)).toBe(null)
  })

  test('that is deleted while it is read ends reads with an error, and a new one is another history', async () => {
    const { name, stream, of, write } = await bench.namespace()
    await write('a', 'a')
    const before = await historyState(bench.link, stream)
    await askJetStream(bench.client, `STREAM.DELETE.${stream}`, {})
    const read = { stream, subject: of('a'), from: 1, upTo: 2, messagesMax: 9 }
    await expect(bench.reader().forward(read)).rejects.toMatchObject({ reason: 'no-stream' })
    await makeHistory(bench.client, createHistoryStores().room(name))
    await write('a')
    expect((await historyState(bench.link, stream))?.epoch).not.toBe(before?.epoch)
    const page = await bench.reader().forward({ ...read, upTo: 1 })
    expect(offsets(page.messages)).toEqual([1])
  })
})

describe('bounds', () => {
  test('hold the number of reads under way, and who finds no place to wait is refused', async () => {
    const { stream, of, write } = await bench.namespace()
    await write('a')
    const reader = bench.reader({ inFlightMax: 2, waitingMax: 10 })
    const subscriptions: number[] = []
    const reads = Array.from({ length: 20 }, (_, at) =>
      reader.forward({ stream, subject: of(`r${at}`), from: 1, upTo: 0, messagesMax: 1 }),
    )
    subscriptions.push(bench.link.subscriptions)
    const settled = await Promise.allSettled(reads)
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(12)
    expect(settled.filter((each) => each.status === 'rejected' && each.reason.reason === 'overrun')).toHaveLength(8)
  })

  test('leave no subscription behind', async () => {
    const { stream, of, write } = await bench.namespace()
    await write('a', 'a', 'b')
    const before = bench.link.subscriptions
    const reader = bench.reader()
    await reader.forward({ stream, subject: of('a'), from: 1, upTo: 2, messagesMax: 1 })
    await reader.backward({ stream, subject: of('a'), before: END, messagesMax: 1 })
    await reader.lasts(stream, [of('a'), of('b')], 3)
    await reader.forward({ stream: 'NONE', subject: of('a'), from: 1, upTo: 2, messagesMax: 1 }).catch(() => undefined)
    expect(bench.link.subscriptions).toBe(before)
  })
})
