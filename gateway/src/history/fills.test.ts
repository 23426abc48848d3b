import type { RoomName } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { FakeStream } from '../../../test/harness/history-fakes.ts'
import { createFills } from './fills.ts'
import { createLog, type Log } from './log.ts'
import { createRing, type RingEntry } from './ring.ts'

/** A log whose ring begins after the messages of its stream, and reads before that. */
function build({ before = 20, pageMax = 50, ringMessages = 50, live = 3 } = {}) {
  const stream = new FakeStream()
  stream.pageMax = pageMax
  let bytes = 0
  const log: Log = createLog({
    about: { kind: 'room', name: 'a' as RoomName },
    subject: 'pub.a',
    stream: 'S',
    ring: createRing({
      messagesMax: ringMessages,
      bytesMax: 1e6,
      onBytes: (change) => {
        bytes += change
      },
    }),
    waitingMax: 10,
    onMessage: () => undefined,
    onGap: () => undefined,
    onMissing: () => undefined,
    onDoubt: () => undefined,
  })
  for (let n = 0; n < before; n++) stream.publish()
  log.checked(stream.epoch, { offset: stream.sequence, time: stream.now }, stream.last)
  const hear = (count: number): void => {
    for (let n = 0; n < count; n++) log.receive(stream.publish())
  }
  hear(live)
  return { stream, log, hear, fills: createFills(stream.reads), bytes: () => bytes }
}

const offsets = (entries: readonly RingEntry[]): number[] => entries.map(({ frames }) => frames.message.place.offset)
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at)

describe('a fill', () => {
  test('reads from the offset on to where the ring begins, and goes into the ring', async () => {
    const { fills, log, stream } = build()
    const fill = await fills.fill(log, 15)
    expect([fill.from, fill.to, offsets(fill.entries), fill.following]).toEqual([15, 20, numbers(15, 20), 9])
    expect([log.ring.from, log.ring.timeAtFrom, offsets(log.ring.entries)]).toEqual([15, 1015, numbers(16, 23)])
    expect(stream.asked).toEqual(['forward 15 20'])
  })

  test('of an offset at which no message is kept lets the ring begin right before the first that is', async () => {
    const { fills, log, stream } = build()
    for (const offset of [14, 15, 16]) stream.delete(offset)
    await fills.fill(log, 15)
    expect([log.ring.from, log.ring.timeAtFrom]).toEqual([16, null])
  })

  test('is one read for all who ask in a turn, from the lowest of their offsets', async () => {
    const { fills, log, stream } = build()
    const both = await Promise.all([15, 12, 18].map((from) => fills.fill(log, from)))
    expect(both.map(({ from }) => from)).toEqual([12, 12, 12])
    expect(stream.asked).toEqual(['forward 12 20'])
  })

  test('is shared by who comes while it is read, unless it needs what lies before', async () => {
    const { fills, log, stream } = build({ ringMessages: 3 })
    const first = fills.fill(log, 15)
    const late: Promise<unknown>[] = []
    let asked = false
    stream.meanwhile = () => {
      if (asked) return
      asked = true
      late.push(fills.fill(log, 17), fills.fill(log, 9))
    }
    await first
    await Promise.all(late)
    expect(stream.asked).toEqual(['forward 15 20', 'forward 9 20'])
  })

  test('that a page ended goes as far as that, and not into the ring', async () => {
    const { fills, log } = build({ pageMax: 4 })
    const fill = await fills.fill(log, 10)
    expect([fill.to, offsets(fill.entries), fill.following]).toEqual([13, numbers(10, 13), 14])
    expect(log.ring.from).toBe(20)
  })

  test('that a page ended within the ring is whole, though what the ring begins after is gone', async () => {
    const { fills, log, stream } = build({ pageMax: 3 })
    stream.delete(20)
    const fill = await fills.fill(log, 19)
    expect([fill.to, offsets(fill.entries)]).toEqual([20, [19]])
  })

  test('for which the ring has no room leaves it as it was', async () => {
    const { fills, log } = build({ ringMessages: 5 })
    const fill = await fills.fill(log, 10)
    expect([fill.to, offsets(fill.entries)]).toEqual([20, numbers(10, 20)])
    expect([log.ring.from, offsets(log.ring.entries)]).toEqual([20, numbers(21, 23)])
  })

  test('during which the ring has gone on brings what it has read, and leaves the ring alone', async () => {
    const { fills, log, stream, hear } = build({ ringMessages: 5 })
    stream.meanwhile = () => hear(6)
    const fill = await fills.fill(log, 18)
    expect([fill.to, offsets(fill.entries), log.ring.from]).toEqual([20, [18, 19, 20], 24])
  })

  test('of nothing reads nothing', async () => {
    const { fills, log, stream } = build({ before: 0, live: 0 })
    stream.others(5)
    log.checked('e1', { offset: 5, time: stream.now }, null)
    expect(await fills.fill(log, 3)).toMatchObject({ entries: [], to: log.ring.from, following: 0 })
    expect(stream.asked).toEqual([])
  })

  test('of a log that is closed or has begun anew meanwhile is not put into its ring', async () => {
    for (const ends of ['closed', 'anew']) {
      const { fills, log, stream, bytes } = build({ live: 0 })
      const held = { era: log.era }
      stream.meanwhile = () => {
        if (ends === 'closed') {
          log.closed = true
          log.ring.clear()
        } else log.begin('e1', { offset: 20, time: 9000 }, null)
      }
      const fill = await fills.fill(log, 15)
      expect([fill.era, bytes()]).toEqual([held.era, 0])
    }
  })

  test('that fails can be asked for again', async () => {
    const { fills, log, stream } = build()
    stream.meanwhile = () => {
      stream.meanwhile = () => undefined
      throw new Error('away')
    }
    await expect(Promise.all([fills.fill(log, 15), fills.fill(log, 15)])).rejects.toThrow('away')
    expect((await fills.fill(log, 15)).entries).toHaveLength(6)
  })
})

describe('the last messages', () => {
  test('are those of the ring where it has as many', async () => {
    const { fills, log, stream } = build()
    expect(await fills.last(log, 2)).toMatchObject({ to: 23 })
    expect(offsets((await fills.last(log, 3)).entries)).toEqual([21, 22, 23])
    expect(stream.asked).toEqual([])
  })

  test('are read where it has not, up to where the log stood, and go into the ring', async () => {
    const { fills, log, stream, hear } = build()
    stream.meanwhile = () => hear(2)
    const { to, entries } = await fills.last(log, 6)
    expect([to, offsets(entries)]).toEqual([23, numbers(18, 23)])
    expect([log.ring.from, offsets(log.ring.entries)]).toEqual([17, numbers(18, 25)])
    expect(offsets((await fills.last(log, 8)).entries)).toEqual(numbers(18, 25))
    expect(stream.asked).toEqual(['backward 24 6 23'])
  })

  test('are all there are where the ring begins with the first of the room, or the room is empty', async () => {
    const { fills, log, stream, hear } = build({ before: 0, live: 0 })
    expect((await fills.last(log, 5)).entries).toEqual([])
    hear(2)
    expect(offsets((await fills.last(log, 5)).entries)).toEqual([1, 2])
    expect(stream.asked).toEqual([])
  })

  test('are one read for all who ask for as many, who learn up to where it goes', async () => {
    const { fills, log, stream, hear } = build()
    const first = fills.last(log, 6)
    hear(2)
    const [one, two, other] = await Promise.all([first, fills.last(log, 6), fills.last(log, 7)])
    expect(two).toBe(one)
    expect([one.to, other.to]).toEqual([23, 25])
    expect(stream.asked).toEqual(['backward 24 6 23', 'backward 26 7 25'])
  })
})
