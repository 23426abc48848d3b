import { describe, expect, test } from 'vitest'
import { crowd, fakeDelivery, inbound, join, room, turn } from '../../../test/harness/fanout-fakes.ts'
import type { Inbound } from '../backplane/inbound.ts'
import { createFrames } from '../fanout/frames.ts'
import { traceDeliver } from './traced-deliver.ts'
import type { SpanStart, Tracing } from './tracing.ts'

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

function build(records = true) {
  const { deliver, heard } = fakeDelivery({ sliceMembers: 4 })
  const begun: [SpanStart, string | undefined][] = []
  const ended: (string | null)[] = []
  const tracing: Tracing = {
    waiting: 0,
    begin(start, parent) {
      begun.push([start, parent])
      return records ? { traceparent: 'unused', end: (error) => ended.push(error) } : null
    },
    close: async () => undefined,
  }
  return { plain: deliver, traced: traceDeliver(deliver, tracing), heard, begun, ended }
}

const message = (fields: Partial<Inbound> = {}) => inbound(1, { traceparent: PARENT, ...fields })

describe('a delivery', () => {
  test('without tracing is the same object: nothing is added to what it does', () => {
    const { plain } = build()
    expect(traceDeliver(plain, null)).toBe(plain)
  })

  test('of a message without a trace begins no span', () => {
    const { traced, begun, heard } = build()
    const topic = room('a')
    const members = crowd(2)
    join(topic, ...members)
    traced.toTopic(topic, message({ traceparent: null }))
    expect(begun).toEqual([])
    for (const member of members) expect(heard(member)).toEqual([1])
  })

  test('of a traced message is one span, which says how many it is for and nothing of whom', () => {
    const { traced, begun, ended, heard } = build()
    const topic = room('a')
    const members = crowd(3)
    join(topic, ...members)
    traced.toTopic(topic, message())
    const start = { kind: 'fan-out', target: 'room', namespace: 'default', members: 3, offset: null }
    expect(begun).toEqual([[start, PARENT]])
    expect(ended).toEqual([null])
    for (const member of members) expect(heard(member)).toEqual([1])
  })

  test('in slices ends when the last member has it', async () => {
    const { traced, ended, heard } = build()
    const topic = room('a')
    const members = crowd(10)
    join(topic, ...members)
    traced.toTopic(topic, message())
    traced.toTopic(topic, message())
    await turn()
    expect(ended).toEqual([])
    await turn()
    await turn()
    expect(ended).toEqual([null])
    expect(heard(members[9] as never)).toEqual([1])
    for (let n = 0; n < 3; n++) await turn()
    expect(ended).toEqual([null, null])
  })

  test('of a stored message tells its offset, and frames that are kept hold no span', () => {
    const { traced, begun, ended } = build()
    const topic = room('a')
    const frames = createFrames(message({ place: { offset: 7, prev: 0, time: 1 } }))
    traced.framesToTopic(topic, frames)
    expect(begun[0]?.[0]).toMatchObject({ offset: 7, members: 0 })
    expect(ended).toEqual([null])
    expect(frames.onLinked).toBeNull()
  })

  test('leaves out who has it from another topic, as without spans', () => {
    const { traced, heard } = build()
    const [all, own] = [room('all'), room('own')]
    const [both, one] = crowd(2)
    join(all, both as never, one as never)
    join(own, both as never)
    traced.toTopic(all, message(), own)
    traced.framesToTopic(all, createFrames(message()), own)
    expect([heard(both as never), heard(one as never)]).toEqual([[], [1, 1]])
  })

  test('to one connection is a span of its own', () => {
    const { traced, begun, ended, heard } = build()
    const [member] = crowd(1)
    traced.toMember(member as never, { kind: 'user', name: 'user-1' as never }, message())
    expect(begun).toEqual([[{ kind: 'fan-out', target: 'session', members: 1, offset: null }, PARENT]])
    expect(ended).toEqual([null])
    expect(heard(member as never)).toEqual([1])
  })

  test('goes on where its trace is not recorded', () => {
    const { traced, heard, ended } = build(false)
    const topic = room('a')
    const [member] = crowd(1)
    join(topic, member as never)
    traced.toTopic(topic, message())
    expect(heard(member as never)).toEqual([1])
    expect(ended).toEqual([])
  })
})
