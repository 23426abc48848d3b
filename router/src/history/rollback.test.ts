import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judgeEnd, judgeMessage, remember, type SeenStream, type StreamEnd, suspect } from './rollback.ts'

const END: StreamEnd = { created: 'c1', generation: 'g1', sequence: 10, time: 't10' }
const seen = remember(null, END)
const judge = (now: Partial<StreamEnd>, before: SeenStream = seen) => judgeEnd(before, { ...END, ...now })

describe('the end of a stream', () => {
  test('that has not moved is good', () => {
    expect(judge({})).toBe('good')
  })

  test('that is lower than before is lost', () => {
    expect(judge({ sequence: 9, time: 't9' })).toBe('lost')
    expect(judge({ sequence: 0, time: '' })).toBe('lost')
  })

  test('that is as high, with another message, or higher, is judged by the message that stood there', () => {
    expect(judge({ time: 't10b' })).toBe('unknown')
    expect(judge({ sequence: 11, time: 't11' })).toBe('unknown')
    expect(judgeMessage(seen, 't10')).toBe('good')
    expect(judgeMessage(seen, 't10b')).toBe('lost')
  })

  test('that was empty is good wherever it is now: there is no message to look at', () => {
    const empty = remember(null, { ...END, sequence: 0, time: '' })
    expect(judge({ sequence: 0, time: '' }, empty)).toBe('good')
    expect(judge({}, empty)).toBe('good')
  })

  test('whose message is kept no more is good, unless it was lower meanwhile', () => {
    expect(judgeMessage(seen, null)).toBe('good')
    expect(judgeMessage(suspect(seen), null)).toBe('lost')
    expect(judgeMessage(suspect(seen), 't10')).toBe('good')
  })

  test('of a stream that was made anew, or has a generation that we did not know, is good', () => {
    expect(judge({ created: 'c2', sequence: 0 })).toBe('good')
    expect(judge({ generation: 'g2', sequence: 3 })).toBe('good')
  })

  test('under a generation that another has replaced is lost, as the settings of an older copy are back', () => {
    const next = remember(seen, { ...END, generation: 'g2' })
    expect(judge({ sequence: 99 }, next)).toBe('lost')
    expect(judge({ generation: 'g2' }, next)).toBe('good')
    expect(judge({ created: 'c2' }, next)).toBe('good')
  })

  test('is never taken for lost while a stream only grows, however it is looked at', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 5 }), { maxLength: 40 }), (steps) => {
        let sequence = 0
        let memory: SeenStream | null = null
        for (const step of steps) {
          sequence += step
          const now = { ...END, sequence, time: `t${sequence}` }
          if (memory !== null) {
            const judgement = judgeEnd(memory, now)
            if (judgement === 'lost') return false
            if (judgement === 'unknown' && judgeMessage(memory, `t${memory.end.sequence}`) === 'lost') return false
          }
          memory = remember(memory, now)
        }
        return true
      }),
    )
  })

  test('remembers a bounded number of generations', () => {
    let memory = seen
    for (let n = 2; n < 200; n++) memory = remember(memory, { ...END, generation: `g${n}` })
    expect(memory.superseded.length).toBe(32)
    expect(judge({ generation: 'g198' }, memory)).toBe('lost')
  })
})
