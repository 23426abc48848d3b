import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type HistoryBench, openHistoryBench } from '../../../test/harness/history-bench.ts'
import { storeAll } from '../../../test/harness/history-stream.ts'

let bench: HistoryBench
beforeAll(async () => {
  bench = await openHistoryBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

describe('the lasts of rooms', () => {
  test('are told of each room that has messages', async () => {
    const { stream, of, write } = await bench.namespace()
    const [, , a, b] = await write('a', 'b', 'a', 'b')
    const lasts = await bench.reader().lasts(stream, [of('a'), of('b'), of('none')], b as number)
    expect([...lasts].map(([subject, { offset }]) => [subject, offset])).toEqual([
      [of('a'), a],
      [of('b'), b],
    ])
    expect(Math.abs((lasts.get(of('a'))?.time ?? 0) - Date.now())).toBeLessThan(60_000)
  })

  test('are read of more rooms than the server answers for at once, and none is left out', async () => {
    const { stream, of } = await bench.namespace()
    const rooms = Array.from({ length: 2500 }, (_, at) => of(`r${at}`))
    const stored = await storeAll(
      bench.client,
      rooms.map((subject) => ({ subject, data: '1' })),
    )
    const reader = bench.reader()
    const lasts = await reader.lasts(stream, rooms, stored.at(-1) as number)
    expect(rooms.map((room) => lasts.get(room)?.offset)).toEqual(stored)
    expect(reader.count('lasts')).toBe(3)
    expect(reader.count('leader')).toBe(0)
  })

  test('are whole where they have more bytes than one answer brings', async () => {
    const { stream, of } = await bench.namespace()
    const rooms = Array.from({ length: 12 }, (_, at) => of(`r${at}`))
    const data = Buffer.alloc(300_000)
    const stored = await storeAll(
      bench.client,
      rooms.map((subject) => ({ subject, data })),
    )
    const reader = bench.reader()
    const lasts = await reader.lasts(stream, [...rooms, of('none')], stored.at(-1) as number)
    expect(rooms.map((room) => lasts.get(room)?.offset)).toEqual(stored)
    expect(lasts.size).toBe(12)
    expect(reader.count('lasts')).toBe(3)
  })

  test('of rooms that are all empty are asked of the leader, as no server vouches for nothing', async () => {
    const { stream, of } = await bench.namespace()
    const reader = bench.reader()
    expect((await reader.lasts(stream, [of('a'), of('b')], 0)).size).toBe(0)
    expect(reader.count('leader')).toBe(3)
  })

  test('are refused where the leader has not stored as much as the fence says', async () => {
    const { stream, of, write } = await bench.namespace()
    const [offset = 0] = await write('a')
    await expect(bench.reader().lasts(stream, [of('b')], offset + 1)).rejects.toMatchObject({ reason: 'behind' })
  })
})
