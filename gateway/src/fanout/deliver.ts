// Links a message to the members of its topic: one prebuilt frame for each encoding, big topics in slices, so that a blast to
// thousands delays a small room by one slice and not by all of it. Order within a topic is kept. Step 4 of the message path.
import { BARE, type Inbound } from '../backplane/inbound.ts'
import type { Deflater } from '../outbound/deflater.ts'
import type { Outbox } from '../outbound/outbox.ts'
import { createFrames, deflatedFrameOf, type Frames, frameOf, liveFrames, withheldFrameOf } from './frames.ts'
import { isMember, type Member, type Topic, type TopicName } from './topic.ts'

/** See {@link createDeliver}. */
export interface DeliverOptions {
  readonly outbox: Pick<Outbox, 'push'>
  readonly deflater: Deflater
  /** Members served in one event-loop turn: below this a message goes out at once, above it in slices of this size. */
  readonly sliceMembers: number
  /** Sliced messages that may wait; at more the oldest is finished at once, which stops the reading from NATS meanwhile. */
  readonly slicedMessagesMax: number
  readonly counters: { deliveries: number }
  /** A message could not be encoded for those who speak msgpack; the others have it. */
  readonly onUnencodable: (about: TopicName) => void
  /**
   * A stored message is kept from its own publisher, whose place in the order this is.
   *
   * @returns whether its `ok` was sent here and now, in place of the message
   */
  readonly answerPublisher: (member: Member, message: Inbound) => boolean
  /** A message that asks for it was delivered to all whom it is for. */
  readonly onReceipt: (id: string, delivered: Delivered) => void
}

/** To whom a message went. */
export interface Delivered {
  /** Members that it was for, without those that it excludes. */
  connections: number
  /** Those whose queue has taken it. */
  written: number
  /** Those that read too slowly for it. */
  skipped: number
}

/** Delivers messages to local members. */
export interface Deliver {
  /** To all members of a topic but those that the message excludes; of a stored one those are told its place alone. */
  toTopic(topic: Topic, message: Inbound, but?: Topic): void
  /**
   * The same with frames that others share.
   *
   * @param but - its members are left out: they have the message from there
   */
  framesToTopic(topic: Topic, frames: Frames, but?: Topic): void
  /** Finishes what is in slices of a topic, before a connection that is in two topics enters one of them or leaves it. */
  settle(topic: Topic): void
  /** Another frame for all members of a topic, in its order among the messages. */
  noticeToTopic(topic: Topic, json: Buffer, msgpack: Buffer): void
  /** A connection has become a member that has all there was: what is still in slices is nothing to it, though it was a member before. */
  caughtUp(topic: Topic, member: Member): void
  /** To one connection, under the name of its user. */
  toMember(member: Member, about: TopicName, message: Inbound): void
}

interface SlicedMessage {
  readonly topic: Topic
  readonly members: readonly Member[]
  readonly frames: Frames
  readonly delivered: Delivered | null
  /** Counts sliced messages. */
  readonly number: number
  at: number
}

/** Of a topic with messages in slices. */
interface WaitingTopic {
  messages: number
  /** Members that have caught up meanwhile, with the last message that is nothing to them; null for none. */
  late: Map<Member, number> | null
}

/** Makes the loop over members, which is most of what a delivery costs. */
function createLink({ outbox, deflater, counters, onUnencodable, answerPublisher }: DeliverOptions) {
  function link(
    topic: Topic,
    members: readonly Member[],
    frames: Frames,
    from: number,
    to: number,
    isMissedBy: ((member: Member) => boolean) | null,
    delivered: Delivered | null,
  ): void {
    const { about } = topic
    const { message } = frames
    const keeps = message.excludeSession !== null || message.excludeUser !== null || message.unfit !== null
    // Looked up once for each encoding.
    let json: Buffer | null | undefined
    let msgpack: Buffer | null | undefined
    let linked = 0
    for (let at = from; at < to; at++) {
      const member = members[at] as Member
      if (isMissedBy?.(member)) continue
      if (keeps && isKeptFrom(message, member)) {
        withhold(topic, member, frames)
        continue
      }
      let frame: Buffer | null
      if (member.binary) {
        msgpack ??= frameOf(about, frames, true, onUnencodable)
        frame = msgpack
      } else {
        json ??= frameOf(about, frames, false, onUnencodable)
        frame = json
      }
      if (member.deflateBytesMax > 0 && frame !== null) frame = deflatedFrameOf(frames, frame, member, deflater)
      if (delivered !== null) delivered.connections++
      if (frame === null) withhold(topic, member, frames)
      else if (outbox.push(member, frame)) {
        linked++
        if (delivered !== null) delivered.written++
      } else if (delivered !== null) delivered.skipped++
    }
    if (message !== NOTICE) counters.deliveries += linked
  }

  function withhold(topic: Topic, member: Member, frames: Frames): void {
    const { message } = frames
    if (message.excludeSession === member.session && answerPublisher(member, message)) return
    const frame = withheldFrameOf(topic.about, frames, member.binary)
    if (frame !== null) outbox.push(member, frame)
  }

  return link
}

function isKeptFrom({ excludeSession, excludeUser, unfit }: Inbound, member: Member): boolean {
  if (excludeSession !== null && member.session === excludeSession) return true
  return (excludeUser !== null && member.user === excludeUser) || unfit !== null
}

/** Stands for the message of a frame that is none. */
const NOTICE: Inbound = { ...BARE }

function deliveredOf({ receipt }: Inbound): Delivered | null {
  return receipt === undefined ? null : { connections: 0, written: 0, skipped: 0 }
}

/** Taken when the message comes: who is in the other topic by then has it from there, whatever it does before its slice. */
function membersBut(topic: Topic, but: Topic | undefined): readonly Member[] {
  const { members } = topic
  if (but === undefined || but.members.length === 0) return members
  return members.some((member) => isMember(member, but)) ? members.filter((member) => !isMember(member, but)) : members
}

/** Makes the delivery of a gateway. */
export function createDeliver(options: DeliverOptions): Deliver {
  const { outbox, deflater, sliceMembers, slicedMessagesMax, counters, onUnencodable } = options
  const link = createLink(options)
  const waiting: SlicedMessage[] = []
  const waitingTopics = new Map<Topic, WaitingTopic>()
  let sliced = 0

  function tell({ receipt }: Inbound, delivered: Delivered | null): void {
    if (receipt !== undefined && delivered !== null) options.onReceipt(receipt, delivered)
  }

  function nextSlice(): void {
    const first = waiting[0]
    if (first === undefined) return
    const to = Math.min(first.at + sliceMembers, first.members.length)
    const { topic, number } = first
    const late = waitingTopics.get(topic)?.late
    // Between two slices a member may have left, and must hear nothing after its `ok`; it may even have come back.
    const isMissedBy = (member: Member): boolean => !isMember(member, topic) || (late?.get(member) ?? 0) >= number
    link(topic, first.members, first.frames, first.at, to, isMissedBy, first.delivered)
    first.at = to
    if (to === first.members.length) finished(first)
  }

  /** A topic whose members changed meanwhile has a new array that nobody reads. */
  function doneReading(topic: Topic, members: readonly Member[]): void {
    if (topic.members === members && topic.readers > 0) topic.readers--
  }

  function linkAll(topic: Topic, members: readonly Member[], frames: Frames): void {
    // A member whose queue runs over is closed from within and leaves: the array must not change under the loop.
    if (members === topic.members) topic.readers++
    const delivered = deliveredOf(frames.message)
    link(topic, members, frames, 0, members.length, null, delivered)
    doneReading(topic, members)
    tell(frames.message, delivered)
    if (frames.onLinked !== null) frames.onLinked()
  }

  function finished({ topic, members, frames, delivered }: SlicedMessage): void {
    waiting.shift()
    doneReading(topic, members)
    tell(frames.message, delivered)
    if (frames.onLinked !== null) frames.onLinked()
    const known = waitingTopics.get(topic)
    if (known !== undefined && --known.messages === 0) waitingTopics.delete(topic)
  }

  function turn(): void {
    nextSlice()
    if (waiting.length > 0) setImmediate(turn)
  }

  function framesToTopic(topic: Topic, frames: Frames, but?: Topic): void {
    const members = membersBut(topic, but)
    if (members.length <= sliceMembers && !waitingTopics.has(topic)) return linkAll(topic, members, frames)
    while (waiting.length >= slicedMessagesMax) nextSlice()
    if (members === topic.members) topic.readers++
    const known = waitingTopics.get(topic)
    if (known === undefined) waitingTopics.set(topic, { messages: 1, late: null })
    else known.messages++
    const delivered = deliveredOf(frames.message)
    if (waiting.push({ topic, members, frames, delivered, number: ++sliced, at: 0 }) === 1) setImmediate(turn)
  }

  return {
    toTopic: (topic, message, but) => framesToTopic(topic, liveFrames(topic, message), but),
    framesToTopic,
    settle(topic) {
      while (waitingTopics.has(topic)) nextSlice()
    },
    noticeToTopic: (topic, json, msgpack) => framesToTopic(topic, { ...createFrames(NOTICE), json, msgpack }),
    caughtUp(topic, member) {
      const known = waitingTopics.get(topic)
      if (known === undefined) return
      known.late ??= new Map()
      known.late.set(member, sliced)
    },
    toMember(member, about, message) {
      const frames = createFrames(message)
      const frame = frameOf(about, frames, member.binary, onUnencodable)
      if (frame === null) return tell(message, { connections: 1, written: 0, skipped: 0 })
      const written = outbox.push(member, deflatedFrameOf(frames, frame, member, deflater)) ? 1 : 0
      counters.deliveries += written
      tell(message, { connections: 1, written, skipped: 1 - written })
    },
  }
}
