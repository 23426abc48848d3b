// `join` and `leave`: who may be where, answered when NATS has confirmed our interest. Step 2 of the message path.
import type { ClientFrameOf, Namespaces, Room, Subjects } from '@sluice/proto'
import { isMember } from '../fanout/topic.ts'
import type { Topics } from '../fanout/topics.ts'
import { type Answer, ok, refusal, unavailable } from './answer.ts'
import { namespaceOf, roomRefusal } from './authorise.ts'
import type { Connection } from './connection.ts'
import type { SignedIn } from './publish.ts'
import { isRefusal } from './targets.ts'

/** What membership needs beside the frame. */
export interface MembershipOptions {
  readonly topics: Topics
  readonly subjects: Subjects
  readonly namespaces: () => Namespaces
  readonly roomsMax: number
}

/** The topic that each signed-in connection holds for its user does not count as a room. */
const OWN_TOPICS = 1

/** Handles `join` of a room whose name was parsed. */
export function join(
  connection: SignedIn,
  frame: ClientFrameOf<'join'>,
  room: Room,
  { topics, subjects, namespaces, roomsMax }: MembershipOptions,
): Answer | Promise<Answer> {
  const settings = namespaceOf(namespaces(), room)
  if (isRefusal(settings)) return settings
  const refused = roomRefusal('join', settings, room, connection.principal)
  if (refused !== null) return refused
  if (frame.since !== undefined || frame.history !== undefined || frame.presence === true) {
    return refusal('unsupported', 'join: since, history and presence are not offered yet')
  }
  const subject = subjects.room(room)
  const topic = topics.find(subject)
  if (topic !== undefined && connection.topics.includes(topic))
    return refusal('already_joined', `join: already in ${room.name}`)
  if (connection.topics.length - OWN_TOPICS >= roomsMax) return refusal('room_limit', `join: at most ${roomsMax} rooms`)
  return topics
    .join(connection, subject, { kind: 'room', name: room.name })
    .then((joined) => (joined ? ok() : unavailable()))
}

/** Handles `leave` of a room whose name was parsed; leaving where one is not is no mistake. */
export function leave(connection: SignedIn, room: Room, { topics, subjects, namespaces }: MembershipOptions): Answer {
  const settings = namespaceOf(namespaces(), room)
  // A namespace may have been taken away by a new configuration while its rooms have members.
  const topic = topics.find(subjects.room(room))
  if (topic !== undefined && connection.topics.includes(topic)) topics.leave(connection, topic)
  else if (isRefusal(settings)) return settings
  return ok()
}

/** Whether a connection is a member of the room with that subject. */
export function isJoined(connection: Connection, subject: string, topics: Topics): boolean {
  const topic = topics.find(subject)
  return topic !== undefined && isMember(connection, topic)
}
