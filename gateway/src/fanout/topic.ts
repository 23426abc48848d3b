// A topic is a subject with local members: a room, or a user with its connections. Owns who is a member and where each stands,
// so that joining, leaving and closing cost no search. Pure data; knows neither NATS nor sockets. Step 4 of the message path.
import type { RoomName, UserName } from '@sluice/proto'
import type { Outgoing } from '../outbound/outgoing.ts'
import { appended } from '../short-list.ts'

/** What a topic is about: how its messages name themselves on the wire. */
export type TopicName =
  | { readonly kind: 'room'; readonly name: RoomName }
  | { readonly kind: 'user'; readonly name: UserName }

/**
 * The fields that topics keep on a connection. Two small arrays side by side cost less than a Set for each connection, and a
 * connection is in few topics.
 */
export interface Member extends Outgoing {
  /** `<gateway>.<n>`, as exclusions name it. */
  readonly session: string
  /** Null until signed in; a member of any topic is. */
  readonly user: string | null
  /** Whether it takes msgpack frames. */
  readonly binary: boolean
  /** The largest frame that it takes compressed; 0 if it takes none. */
  readonly deflateBytesMax: number
  topics: Topic[]
  /** For each of `topics` the member's place in its `members`, or {@link JOINING}. */
  slots: number[]
}

/** The slot of a member whose interest NATS has not confirmed yet: it holds the topic and receives nothing. */
export const JOINING = -1

/** One subject with local members. */
export interface Topic {
  readonly subject: string
  readonly about: TopicName
  /** In no order. Replaced, not changed, while `readers` is above zero. */
  members: Member[]
  /** Members that are joining. */
  joining: number
  /** Messages on their way to `members` in slices: each iterates over the array it has begun with. */
  readers: number
  /** The link on which NATS has confirmed the subscription, by its count of connects; -1 before any. */
  confirmedOn: number
  /** The sweep at which the last member was found gone; null while there are members. */
  emptySince: number | null
  /** Whether those who read too slowly lose messages of it and are told, in place of their connection. */
  drops: boolean
}

/** Makes a topic without members. */
export function createTopic(subject: string, about: TopicName, drops = false): Topic {
  return { subject, about, members: [], joining: 0, readers: 0, confirmedOn: -1, emptySince: null, drops }
}

/** Lets a connection hold a topic without receiving from it yet. It must not hold it already. */
export function beginJoin(member: Member, topic: Topic): void {
  member.topics = appended(member.topics, topic)
  member.slots = appended(member.slots, JOINING)
  topic.joining++
}

/**
 * Makes a joining connection a member.
 *
 * @returns false if it no longer holds the topic: it was closed meanwhile
 */
export function finishJoin(member: Member, topic: Topic): boolean {
  const at = member.topics.indexOf(topic)
  if (at === -1 || member.slots[at] !== JOINING) return false
  topic.members = appended(writable(topic), member)
  member.slots[at] = topic.members.length - 1
  topic.joining--
  return true
}

/** Takes a connection out, joining or joined. Nothing happens if it does not hold the topic. */
export function leaveTopic(member: Member, topic: Topic): void {
  const at = member.topics.indexOf(topic)
  if (at !== -1) leaveAt(member, at)
}

/** Takes a connection out of everything it holds. */
export function leaveAll(member: Member): void {
  while (member.topics.length > 0) leaveAt(member, member.topics.length - 1)
}

/** Whether a connection receives from the topic. */
export function isMember(member: Member, topic: Topic): boolean {
  const at = member.topics.indexOf(topic)
  return at !== -1 && member.slots[at] !== JOINING
}

/** Whether nobody holds the topic. */
export function isEmpty(topic: Topic): boolean {
  return topic.members.length === 0 && topic.joining === 0
}

function leaveAt(member: Member, at: number): void {
  const topic = member.topics[at] as Topic
  const slot = member.slots[at] as number
  removeAt(member.topics, at)
  removeAt(member.slots, at)
  if (slot === JOINING) {
    topic.joining--
    return
  }
  const members = writable(topic)
  const last = members.pop() as Member
  if (last === member) return
  members[slot] = last
  last.slots[last.topics.indexOf(topic)] = slot
}

function removeAt<item>(list: item[], at: number): void {
  const last = list.pop() as item
  if (at < list.length) list[at] = last
}

function writable(topic: Topic): Member[] {
  if (topic.readers > 0) {
    topic.members = topic.members.slice()
    // The readers keep the old array; the new one has none.
    topic.readers = 0
  }
  return topic.members
}
