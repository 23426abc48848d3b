// The fan-out over queues that a test reads and fills: messages, rooms and members without NATS and without sockets.
import type { RoomName } from '@sluice/proto'
import { BARE, type Inbound } from '../../gateway/src/backplane/inbound.ts'
import { createDeliver, type Delivered } from '../../gateway/src/fanout/deliver.ts'
import {
  beginJoin,
  createTopic,
  finishJoin,
  type Member,
  type Topic,
  type TopicName,
} from '../../gateway/src/fanout/topic.ts'
import { type FakeConnection, fakeConnection, payloadOf } from './session-fakes.ts'

/** A message from NATS. */
export function inbound(data: unknown, fields: Partial<Inbound> = {}): Inbound {
  return {
    ...BARE,
    payload: Buffer.from(JSON.stringify(data)),
    ...fields,
  }
}

/** A room without members. */
export const room = (name: string): Topic =>
  createTopic(`sluice.room.default.${name}`, { kind: 'room', name: name as RoomName })

/** Makes members at once. */
export function join(topic: Topic, ...members: readonly Member[]): void {
  for (const member of members) {
    beginJoin(member, topic)
    finishJoin(member, topic)
  }
}

/** Connections of as many users. */
export const crowd = (size: number, from = 1): FakeConnection[] =>
  Array.from({ length: size }, (_, at) => fakeConnection({ number: from + at, user: `user-${from + at}` }))

/** The next turn of the event loop: one slice is served in it. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** The delivery of a gateway over queues that the test reads and fills. */
export function fakeDelivery({
  sliceMembers = 4,
  slicedMessagesMax = 8,
  answerPublisher = (_member: Member, _message: Inbound): boolean => false,
  deflate = (frame: Buffer): Buffer => frame,
} = {}) {
  const frames = new Map<Member, Buffer[]>()
  /** Members whose queue has no room; told as the outbox does, from within. */
  const full = new Map<Member, () => void>()
  const counters = { deliveries: 0 }
  const unencodable: TopicName[] = []
  const receipts: (readonly [string, Delivered])[] = []
  const deliver = createDeliver({
    outbox: {
      push(connection, frame) {
        const member = connection as Member
        const overflow = full.get(member)
        if (overflow !== undefined) {
          overflow()
          return false
        }
        frames.set(member, [...(frames.get(member) ?? []), frame])
        return true
      },
    },
    deflater: { deflate },
    sliceMembers,
    slicedMessagesMax,
    counters,
    onUnencodable: (about) => unencodable.push(about),
    onReceipt: (id, delivered) => receipts.push([id, { ...delivered }]),
    answerPublisher: (member, message) => answerPublisher(member, message),
  })
  const heard = (member: FakeConnection): unknown[] =>
    (frames.get(member) ?? []).map((frame) => {
      const decoded = member.codec.decodeServer(payloadOf(frame))
      return decoded?.type === 'message' && decoded.withheld !== true ? decoded.data : decoded
    })
  return { deliver, frames, full, counters, unencodable, receipts, heard }
}
