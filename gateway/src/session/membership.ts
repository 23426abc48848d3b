// `join`, `leave` and `presence`: who may be where and see whom; a join is answered when NATS has confirmed our interest. Step 2 of
// the message path.
import type { ClientFrameOf, Namespaces, Room, Subjects } from '@sluice/proto'
import { isMember } from '../fanout/topic.ts'
import type { Topics } from '../fanout/topics.ts'
import type { Presence } from '../presence/presence.ts'
import type { FollowedView } from '../presence/watched-rooms.ts'
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
  /** Null while no namespace has it, and until it has begun. */
  readonly presence: () => Presence | null
}

/** The topic that each signed-in connection holds for its user does not count as a room. */
const OWN_TOPICS = 1

/** Handles `join` of a room whose name was parsed. */
export function join(
  connection: SignedIn,
  frame: ClientFrameOf<'join'>,
  room: Room,
  options: MembershipOptions,
): Answer | Promise<Answer> {
  const { topics, subjects, namespaces, roomsMax } = options
  const settings = namespaceOf(namespaces(), room)
  if (isRefusal(settings)) return settings
  const refused = roomRefusal('join', settings, room, connection.principal)
  if (refused !== null) return refused
  if (frame.since !== undefined || frame.history !== undefined)
    return refusal('unsupported', 'join: since and history are not offered yet')
  const watches = frame.presence === true
  if (watches && !settings.presence) return refusal('not_enabled', `join: presence is off in ${room.namespace}`)
  const subject = subjects.room(room)
  const topic = topics.find(subject)
  if (topic !== undefined && connection.topics.includes(topic))
    return refusal('already_joined', `join: already in ${room.name}`)
  if (connection.topics.length - OWN_TOPICS >= roomsMax) return refusal('room_limit', `join: at most ${roomsMax} rooms`)
  const presence = settings.presence ? options.presence() : null
  if (watches) return presence === null ? unavailable(LATE) : joinAndWatch(connection, room, subject, topics, presence)
  return topics.join(connection, subject, { kind: 'room', name: room.name }).then((joined) => {
    if (!joined) return unavailable()
    presence?.entered(connection, room)
    return ok()
  })
}

/** The buckets of presence, or their leader, are away. */
const LATE = 'presence is away'

/** Nothing is delivered before the `ok`, so the view is waited for before the connection receives. */
async function joinAndWatch(
  connection: SignedIn,
  room: Room,
  subject: string,
  topics: Topics,
  presence: Presence,
): Promise<Answer> {
  let view: FollowedView | null = null
  const joined = await topics.join(connection, subject, { kind: 'room', name: room.name }, async () => {
    view = await presence.prepareWatch(connection, room)
    return view !== null
  })
  if (joined && view !== null) return ok(presence.beginWatch(connection, view))
  if (view !== null) presence.dropWatch(view)
  presence.left(connection, room)
  return unavailable(LATE)
}

/** Handles `presence`: who is in a room that one may join. */
export function askPresence(
  connection: SignedIn,
  room: Room,
  { namespaces, presence }: MembershipOptions,
): Answer | Promise<Answer> {
  const settings = namespaceOf(namespaces(), room)
  if (isRefusal(settings)) return settings
  const refused = roomRefusal('join', settings, room, connection.principal)
  if (refused !== null) return refused
  if (!settings.presence) return refusal('not_enabled', `presence: it is off in ${room.namespace}`)
  const running = presence()
  if (running === null) return unavailable(LATE)
  return running.ask(room).then((answer) => {
    if (answer.ok) return ok({ members: [...answer.members], count: answer.count })
    return answer.code === 'unavailable' ? unavailable(answer.message) : refusal(answer.code, answer.message)
  })
}

/** Handles `leave` of a room whose name was parsed; leaving where one is not is no mistake. */
export function leave(connection: SignedIn, room: Room, options: MembershipOptions): Answer {
  const { topics, subjects, namespaces } = options
  const settings = namespaceOf(namespaces(), room)
  // A namespace may have been taken away by a new configuration while its rooms have members.
  const topic = topics.find(subjects.room(room))
  if (topic !== undefined && connection.topics.includes(topic)) {
    topics.leave(connection, topic)
    options.presence()?.left(connection, room)
  } else if (isRefusal(settings)) return settings
  return ok()
}

/** Whether a connection is a member of the room with that subject. */
export function isJoined(connection: Connection, subject: string, topics: Topics): boolean {
  const topic = topics.find(subject)
  return topic !== undefined && isMember(connection, topic)
}
