import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judgeNext, type Placed, type Position } from './position.ts'

interface Stream {
  /** The messages of one room, as a stream that other rooms share places them. */
  readonly messages: readonly Placed[]
  /** How many of the oldest are kept no more. */
  readonly expired: number
}

const streams: fc.Arbitrary<Stream> = fc
  .array(fc.record({ others: fc.nat({ max: 3 }), ms: fc.nat({ max: 2 }) }), { minLength: 1, maxLength: 30 })
  .chain((steps) => {
    let [offset, prev, time] = [0, 0, 1000]
    const messages = steps.map(({ others, ms }) => {
      prev = offset === 0 ? 0 : offset
      offset += others + 1
      time += ms
      return { offset, prev, time }
    })
    return fc.record({ messages: fc.constant(messages), expired: fc.nat({ max: messages.length - 1 }) })
  })

const START: Position = { offset: 0, time: 0 }

/** Takes everything in; what each message was. */
function read(messages: readonly Placed[], start = START) {
  let held = start
  const judgements = messages.map((message) => {
    const judgement = judgeNext(held, message)
    if (judgement === 'next' || judgement === 'gap') held = message
    return judgement
  })
  return { judgements, held }
}

describe('a reader', () => {
  test('of everything in order sees no gap', () => {
    fc.assert(
      fc.property(streams, ({ messages }) => read(messages).judgements.every((judgement) => judgement === 'next')),
    )
  })

  test('that misses messages sees a gap at the next one, and nowhere else', () => {
    fc.assert(
      fc.property(streams, fc.infiniteStream(fc.boolean()), ({ messages }, coins) => {
        const came = messages.map(() => coins.next().value as boolean)
        const arrived = messages.filter((_, at) => came[at])
        const expected = messages.flatMap((_, at) => {
          if (came[at] !== true) return []
          return [at === 0 || came[at - 1] === true ? 'next' : 'gap']
        })
        expect(read(arrived).judgements).toEqual(expected)
      }),
    )
  })

  test('to whom messages come twice or again from before takes each once', () => {
    fc.assert(
      fc.property(streams, fc.array(fc.nat(), { maxLength: 10 }), ({ messages }, again) => {
        const arrived = messages.flatMap((message, at) => [
          message,
          ...again
            .filter((back) => back % messages.length <= at)
            .map((back) => messages[back % messages.length] as Placed),
        ])
        const { judgements, held } = read(arrived)
        expect(judgements.filter((judgement) => judgement === 'next')).toHaveLength(messages.length)
        expect(judgements).not.toContain('gap')
        expect(judgements).not.toContain('rollback')
        expect(held.offset).toBe(messages.at(-1)?.offset)
      }),
    )
  })

  test('for whom older messages have expired, so that `prev` tells of none or of a lower one, sees no gap', () => {
    fc.assert(
      fc.property(streams, ({ messages, expired }) => {
        const held = messages[expired] as Placed
        const following = messages.slice(expired + 1)
        const told = following.map((message, at) => (at === 0 ? { ...message, prev: 0 } : message))
        expect(read(told, held).judgements.every((judgement) => judgement === 'next')).toBe(true)
      }),
    )
  })

  test('notices a history that has lost its end at the first message under an old offset', () => {
    fc.assert(
      fc.property(streams, fc.nat({ max: 100 }), ({ messages, expired }, ms) => {
        const last = messages.at(-1) as Placed
        const lost = messages.slice(expired)
        const other = { ...(lost[0] as Placed), time: last.time + 1 + ms }
        expect(judgeNext(last, other)).toBe('rollback')
      }),
    )
  })
})
