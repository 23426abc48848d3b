import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FakeStream } from '../../../test/harness/history-fakes.ts'
import { type HeldPosition, type HistoryEvidence, judgeRecovery, type StreamEvidence } from './recovered.ts'

const stream: StreamEvidence = { firstSequence: 90, messagesPerSubject: 10, ageMs: 1000, now: 5000 }
const held: HeldPosition = { epoch: 'e', offset: 50, time: 4500 }
const evidence: HistoryEvidence = { epoch: 'e', end: 100, timeAtHeld: null, following: 9, stream }

const judge = (position: Partial<HeldPosition>, known: Partial<HistoryEvidence>, of: Partial<StreamEvidence> = {}) =>
  judgeRecovery({ ...held, ...position }, { ...evidence, stream: { ...stream, ...of }, ...known })

describe('a position is recovered', () => {
  test.each<[string, Partial<HeldPosition>, Partial<HistoryEvidence>, Partial<StreamEvidence>, unknown]>([
    ['where its very message is kept', {}, { timeAtHeld: 4500, following: 999, stream: null }, {}, null],
    [
      'where a message is kept there and it has no time',
      { time: undefined },
      { timeAtHeld: 4500, stream: null },
      {},
      null,
    ],
    ['not where another message stands there', {}, { timeAtHeld: 4501, stream: null }, {}, 'mismatch'],
    ['not in another epoch', { epoch: 'f' }, { timeAtHeld: 4500 }, {}, 'epoch'],
    ['at the end', { offset: 100 }, { timeAtHeld: 4500 }, {}, null],
    ['not ahead of the end', { offset: 101 }, {}, {}, 'ahead'],
    ['by the stream where no message is kept there', {}, { stream: null }, {}, 'ask'],
    ['where the stream begins right behind it', { time: undefined }, {}, { firstSequence: 51 }, null],
    ['not where the stream begins later and it has no time', { time: undefined }, {}, { firstSequence: 52 }, 'expired'],
    ['where it is younger than anything that expires', {}, {}, { now: 5499 }, null],
    ['not where it is as old as what expires', {}, {}, { now: 5500 }, 'expired'],
    ['where nothing expires', {}, {}, { ageMs: Number.POSITIVE_INFINITY }, null],
    ['where as many follow as are surely kept', {}, { following: 9 }, {}, null],
    ['not where as many follow as are kept at most', {}, { following: 10 }, { firstSequence: 1 }, 'expired'],
    ['not where it is unknown how many follow', {}, { following: Number.POSITIVE_INFINITY }, {}, 'expired'],
  ])('%s', (_, position, known, of, expected) => {
    expect(judge(position, known, of)).toBe(expected)
  })
})

const step = fc.record({
  kind: fc.constantFrom('publish', 'publish', 'publish', 'others', 'age'),
  count: fc.integer({ min: 1, max: 20 }),
})

test('in any course of publishes, evictions and expiry nothing that is said to be recovered has lost a message', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 30, size: 'max' }),
      fc.nat(200),
      fc.boolean(),
      fc.boolean(),
      (steps, at, withTime, atMessage) => {
        const room = new FakeStream()
        room.messagesPerSubject = 15
        room.ageMs = 120
        const places = [{ offset: 0, time: room.now }]
        for (const { kind, count } of steps) {
          if (kind === 'age') room.age(count * 5)
          for (let n = 0; n < count && kind !== 'age'; n++) {
            if (kind === 'publish') room.publish()
            else room.others()
            // Whoever joins now stands there.
            if (kind === 'publish' || !atMessage) places.push({ offset: room.sequence, time: room.now })
          }
        }
        const { offset, time } = places[at % places.length] as (typeof places)[0]
        const kept = room.messages.map(({ place }) => place)
        const gone = (room.ever.get('e1') ?? []).filter(
          ({ place }) => place.offset > offset && !kept.some((one) => one.offset === place.offset),
        )
        const first = room.firstSequence
        const judged = judgeRecovery(
          { epoch: 'e1', offset, time: withTime ? time : undefined },
          {
            epoch: 'e1',
            end: room.sequence,
            timeAtHeld: kept.find((one) => one.offset === offset)?.time ?? null,
            following: kept.filter((one) => one.offset > offset).length,
            stream: { firstSequence: first, messagesPerSubject: 15, ageMs: 120, now: room.now },
          },
        )
        if (gone.length > 0) expect(judged).toBe('expired')
        else if (first <= offset + 1 && kept.length < 15) expect(judged).toBe(null)
      },
    ),
    { numRuns: 500 },
  )
})
