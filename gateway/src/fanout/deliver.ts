// Links a message to the members of its topic: one prebuilt frame for each encoding, big topics in slices, so that a blast to
// thousands delays a small room by one slice and not by all of it. Order within a topic is kept. Step 4 of the message path.
import type { Inbound } from '../backplane/inbound.ts'
import type { Outbox } from '../outbound/outbox.ts'
import { buildJsonMessage, buildMsgpackMessage } from './message-frame.ts'
import { isMember, type Member, type Topic, type TopicName } from './topic.ts'

/** See {@link createDeliver}. */
export interface DeliverOptions {
  readonly outbox: Pick<Outbox, 'push'>
  /** Members served in one event-loop turn: below this a message goes out at once, above it in slices of this size. */
  readonly sliceMembers: number
  /** Sliced messages that may wait; at more the oldest is finished at once, which stops the reading from NATS meanwhile. */
  readonly slicedMessagesMax: number
  readonly counters: { deliveries: number }
  /** A message could not be encoded for those who speak msgpack; the others have it. */
  readonly onUnencodable: (about: TopicName) => void
}

/** Delivers messages to local members. */
export interface Deliver {
  /** To all members of a topic but those that the message excludes. */
  toTopic(topic: Topic, message: Inbound): void
  /** To one connection, under the name of its user. */
  toMember(member: Member, about: TopicName, message: Inbound): void
}

/** The frames of one message, built when the first member needs them; null is a frame that can't be built. */
interface Frames {
  readonly message: Inbound
  json: Buffer | undefined
  msgpack: Buffer | null | undefined
}

interface SlicedMessage {
  readonly topic: Topic
  readonly members: readonly Member[]
  readonly frames: Frames
  at: number
}

/** Makes the delivery of a gateway. */
export function createDeliver(options: DeliverOptions): Deliver {
  const { outbox, sliceMembers, slicedMessagesMax, counters, onUnencodable } = options
  const waiting: SlicedMessage[] = []
  const waitingTopics = new Map<Topic, number>()

  function frameFor(about: TopicName, frames: Frames, binary: boolean): Buffer | null {
    if (!binary) {
      frames.json ??= buildJsonMessage(about, frames.message)
      return frames.json
    }
    if (frames.msgpack !== undefined) return frames.msgpack
    try {
      frames.msgpack = buildMsgpackMessage(about, frames.message)
      return frames.msgpack
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      frames.msgpack = null
      onUnencodable(about)
      return null
    }
  }

  function link(
    topic: Topic,
    members: readonly Member[],
    frames: Frames,
    from: number,
    to: number,
    sliced: boolean,
  ): void {
    const { excludeSession, excludeUser } = frames.message
    let linked = 0
    for (let at = from; at < to; at++) {
      const member = members[at] as Member
      if (excludeSession !== null && member.session === excludeSession) continue
      if (excludeUser !== null && member.user === excludeUser) continue
      // Between two slices a member may have left, and must hear nothing after its `ok`.
      if (sliced && !isMember(member, topic)) continue
      const frame = frameFor(topic.about, frames, member.binary)
      if (frame !== null && outbox.push(member, frame)) linked++
    }
    counters.deliveries += linked
  }

  function nextSlice(): void {
    const sliced = waiting[0]
    if (sliced === undefined) return
    const to = Math.min(sliced.at + sliceMembers, sliced.members.length)
    link(sliced.topic, sliced.members, sliced.frames, sliced.at, to, true)
    sliced.at = to
    if (to === sliced.members.length) finished(sliced)
  }

  /** A topic whose members changed meanwhile has a new array that nobody reads. */
  function doneReading(topic: Topic, members: readonly Member[]): void {
    if (topic.members === members && topic.readers > 0) topic.readers--
  }

  function linkAll(topic: Topic, frames: Frames): void {
    const { members } = topic
    // A member whose queue runs over is closed from within and leaves: the array must not change under the loop.
    topic.readers++
    link(topic, members, frames, 0, members.length, false)
    doneReading(topic, members)
  }

  function finished({ topic, members }: SlicedMessage): void {
    waiting.shift()
    doneReading(topic, members)
    const left = (waitingTopics.get(topic) ?? 1) - 1
    if (left === 0) waitingTopics.delete(topic)
    else waitingTopics.set(topic, left)
  }

  function turn(): void {
    nextSlice()
    if (waiting.length > 0) setImmediate(turn)
  }

  return {
    toTopic(topic, message) {
      const frames: Frames = { message, json: undefined, msgpack: undefined }
      if (topic.members.length <= sliceMembers && !waitingTopics.has(topic)) return linkAll(topic, frames)
      while (waiting.length >= slicedMessagesMax) nextSlice()
      const { members } = topic
      topic.readers++
      waitingTopics.set(topic, (waitingTopics.get(topic) ?? 0) + 1)
      if (waiting.push({ topic, members, frames, at: 0 }) === 1) setImmediate(turn)
    },
    toMember(member, about, message) {
      const frame = frameFor(about, { message, json: undefined, msgpack: undefined }, member.binary)
      if (frame !== null && outbox.push(member, frame)) counters.deliveries++
    },
  }
}
