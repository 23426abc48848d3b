// What a wildcard hears, in the form in which its members get it: each message under the name of its room. And who has it already, as a
// member of that room. Pure but for the delivery that it hands on to. Step 4 of the message path.
import { coveredSubject, coveringSubject, isWildcard, LIMITS, roomOfSubject } from '@sluice/proto'
import type { Inbound, UnderWildcard } from '../backplane/inbound.ts'
import type { Deliver } from './deliver.ts'
import { isMember, type Member, type Topic, type TopicName } from './topic.ts'
import type { Topics } from './topics.ts'

/** Whether a topic is about all rooms of a namespace. */
export function hearsAll({ kind, name }: TopicName): boolean {
  return kind === 'room' && isWildcard(name)
}

/** The namespace of a topic that {@link hearsAll}. */
export function namespaceHeard({ name }: TopicName): string {
  return name.slice(0, name.lastIndexOf(':'))
}

/**
 * The room of a message.
 *
 * @param about - a topic that {@link hearsAll}
 * @param subject - any on which messages of the room come
 * @param prev - the offset of the room's message before it, or less
 */
export function roomHeard(about: TopicName, subject: string, prev: number): UnderWildcard {
  const room = roomOfSubject(subject, namespaceHeard(about), LIMITS.nameBytesMax.max)
  return { room: room?.name ?? null, subject, prev }
}

/** The topic of the room of a message that a wildcard hears, if anyone here holds it. */
export function roomUnder(topics: Pick<Topics, 'find'>, wildcard: Topic, { under }: Inbound): Topic | undefined {
  return under === undefined ? undefined : topics.find(coveredSubject(wildcard.subject, under.subject))
}

/** Delivers a live message to a topic; one of a wildcard to those who are not in its room as well. */
export function deliverTo(
  deliver: Pick<Deliver, 'toTopic'>,
  topics: Pick<Topics, 'find'>,
  topic: Topic,
  message: Inbound,
  subject: string,
): void {
  if (!hearsAll(topic.about)) return deliver.toTopic(topic, message)
  const under = roomHeard(topic.about, subject, 0)
  if (under.room !== null) deliver.toTopic(topic, { ...message, under }, topics.find(subject))
}

/** The wildcard over a room's topic that a connection is a member of; undefined where there is none. */
export function wildcardOver(topics: Pick<Topics, 'find'>, member: Member, room: Topic): Topic | undefined {
  const over = room.about.kind === 'room' ? topics.find(coveringSubject(room.subject)) : undefined
  return over !== undefined && over !== room && isMember(member, over) ? over : undefined
}
