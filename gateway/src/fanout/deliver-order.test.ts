import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crowd, fakeDelivery, inbound, join, room, turn } from '../../../test/harness/fanout-fakes.ts'
import type { FakeConnection } from '../../../test/harness/session-fakes.ts'
import { leaveAll, leaveTopic, type Topic } from './topic.ts'

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('publish'), who: fc.constant(0), where: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('turn'), who: fc.constant(0), where: fc.constant(0) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('join', 'leave', 'close', 'fill'),
      who: fc.nat(11),
      where: fc.nat(1),
    }),
  },
)

test('whoever is a member all the while hears each message of a topic once and in order, and no one else hears any', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
      const { deliver, full, heard } = fakeDelivery({ sliceMembers: 3, slicedMessagesMax: 4 })
      const members = crowd(12)
      const topics = [room('a'), room('b')]
      const inside = (member: FakeConnection, topic: Topic): boolean => topic.members.includes(member)
      for (const member of members) join(topics[0] as Topic, member)
      /** For each message who was a member when it came, less whoever has left since. */
      const due: { id: number; topic: Topic; at: Set<FakeConnection>; lasting: Set<FakeConnection> }[] = []
      const gone = (member: FakeConnection, topic?: Topic): void => {
        for (const message of due) if (topic === undefined || message.topic === topic) message.lasting.delete(member)
      }
      for (const { kind, who, where } of steps) {
        const [member, topic] = [members[who] as FakeConnection, topics[where] as Topic]
        if (kind === 'join' && !member.topics.includes(topic)) join(topic, member)
        else if (kind === 'leave') {
          leaveTopic(member, topic)
          gone(member, topic)
        } else if (kind === 'close') {
          leaveAll(member)
          gone(member)
        } else if (kind === 'fill') {
          full.set(member, () => {
            leaveAll(member)
            gone(member)
          })
        } else if (kind === 'publish') {
          const at = new Set(members.filter((one) => inside(one, topic)))
          due.push({ id: due.length, topic, at, lasting: new Set(at) })
          deliver.toTopic(topic, inbound(due.length - 1))
        } else await turn()
      }
      for (let at = 0; at < 30; at++) await turn()
      for (const member of members) {
        const got = heard(member) as number[]
        expect(new Set(got).size).toBe(got.length)
        for (const topic of topics) {
          const ofTopic = got.filter((id) => due[id]?.topic === topic)
          expect(ofTopic).toEqual([...ofTopic].sort((a, b) => a - b))
        }
        for (const { id, at, lasting } of due) {
          if (lasting.has(member)) expect(got).toContain(id)
          if (!at.has(member)) expect(got).not.toContain(id)
        }
      }
    }),
    { numRuns: 60 },
  )
})
