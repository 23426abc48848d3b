import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { storedAt } from '../../../test/harness/history-fakes.ts'
import type { StoredInbound } from '../backplane/inbound.ts'
import { isWhole, judgeWildcard, type WildcardEvidence } from './wildcard-recovered.ts'

const held = { epoch: 'e', offset: 10, time: 1000 as number | undefined }
const stream = { firstSequence: 5, lastSequence: 15, messagesPerSubject: 10, ageMs: 1000, now: 1500 }
const evidence: WildcardEvidence = { epoch: 'e', end: 15, timeAtHeld: 1000, whole: true, stream: null }

describe('a position in all rooms', () => {
  test.each<[string, Partial<typeof held>, Partial<WildcardEvidence>, unknown]>([
    ['behind which every sequence was read', {}, {}, null],
    ['whose own message is gone, which is none behind it', {}, { timeAtHeld: null }, null],
    ['of another history', { epoch: 'f' }, {}, 'epoch'],
    ['above the end', { offset: 16 }, {}, 'ahead'],
    ['at another message', { time: 999 }, {}, 'mismatch'],
    ['without a time', { time: undefined }, {}, null],
    ['behind which a sequence is missing', {}, { whole: false }, 'ask'],
    ['where it can only have been deleted', {}, { whole: false, stream }, null],
    ['where a room may have pushed it out', {}, { whole: false, stream: { ...stream, lastSequence: 20 } }, 'expired'],
    ['where no room can have', {}, { whole: false, stream: { ...stream, lastSequence: 19 } }, null],
    ['older than what is kept', {}, { whole: false, stream: { ...stream, firstSequence: 12, now: 2000 } }, 'expired'],
    ['younger than that', {}, { whole: false, stream: { ...stream, firstSequence: 12, now: 1999 } }, null],
    ['of unknown age', { time: undefined }, { whole: false, stream: { ...stream, firstSequence: 12 } }, 'expired'],
  ])('%s', (_, position, known, judged) => {
    expect(judgeWildcard({ ...held, ...position }, { ...evidence, ...known })).toBe(judged)
  })

  test('is never judged whole where a room has pushed out a message behind it', () => {
    const rooms = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(rooms, fc.nat({ max: 40 }), fc.integer({ min: 1, max: 5 }), (stored, from, most) => {
        fc.pre(from < stored.length)
        // Sequence n is of room stored[n − 1]; each room keeps its last ones.
        const kept = stored.flatMap((room, at) =>
          stored.slice(at + 1).filter((other) => other === room).length < most ? [at + 1] : [],
        )
        const read = kept.filter((sequence) => sequence > from)
        const lost = stored.length - from > read.length
        const whole = isWhole(
          read.map((sequence) => storedAt(sequence, 0)),
          from,
          stored.length,
        )
        expect(whole).toBe(!lost)
        const judged = judgeWildcard(
          { epoch: 'e', offset: from, time: undefined },
          {
            epoch: 'e',
            end: stored.length,
            timeAtHeld: null,
            whole,
            stream: {
              firstSequence: kept[0] ?? 1,
              lastSequence: stored.length,
              messagesPerSubject: most,
              ageMs: Number.POSITIVE_INFINITY,
              now: 0,
            },
          },
        )
        if (lost) expect(judged).toBe('expired')
        else expect(judged).toBeNull()
      }),
    )
  })
})

describe('what was read', () => {
  const read = (...offsets: number[]): StoredInbound[] => offsets.map((offset) => storedAt(offset, 0))
  test.each<[readonly number[], number, number, boolean]>([
    [[11, 12, 13], 10, 13, true],
    [[9, 10, 11, 12, 13], 10, 13, true],
    [[11, 13], 10, 13, false],
    [[12, 13], 10, 13, false],
    [[11, 12], 10, 13, false],
    [[], 10, 10, true],
    [[], 10, 11, false],
    [[11, 12, 13, 14], 10, 13, true],
  ])('%j from %i up to %i is whole: %s', (offsets, from, to, whole) => {
    expect(isWhole(read(...offsets), from, to)).toBe(whole)
  })
})
