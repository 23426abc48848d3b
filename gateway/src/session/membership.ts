// `join`, `leave` and `presence`: who may be where and see whom; a join is answered when NATS has confirmed our interest. Step 2 of
// the message path.
import {
  type ClientFrameOf,
  type GivenRight,
  isAllRooms,
  type NamespaceSettings,
  type Namespaces,
  type Room,
  type Subjects,
} from '@sluice/proto'
import { isMember } from '../fanout/topic.ts'
import type { Topics } from '../fanout/topics.ts'
import type { CatchUpWish, CaughtUp } from '../history/catch-up.ts'
import type { History } from '../history/history.ts'
import type { Presence } from '../presence/presence.ts'
import type { FollowedView } from '../presence/watched-rooms.ts'
import type { Rights } from '../rights/rights.ts'
import { type Answer, ok, type Refusal, refusal, unavailable } from './answer.ts'
import { namespaceOf, roomRefusal } from './authorise.ts'
import type { Connection } from './connection.ts'
import { isLive } from './connection-state.ts'
import type { SignedIn } from './publish.ts'
import { isRefusal } from './targets.ts'
import { liveSubject, wildcardObstacle } from './wildcard.ts'

/** What membership needs beside the frame. */
export interface MembershipOptions {
  readonly topics: Topics
  readonly subjects: Subjects
  readonly namespaces: () => Namespaces
  readonly roomsMax: number
  readonly rights: Pick<Rights, 'ask' | 'mayRead' | 'hold' | 'drop'>
  /** Null while no namespace has it, and until it has begun. */
  readonly presence: () => Presence | null
  /** Null until it has begun. */
  readonly history: () => History | null
}

/** Handles `join` of a room whose name was parsed. */
export function join(
  connection: SignedIn,
  frame: ClientFrameOf<'join'>,
  room: Room,
  options: MembershipOptions,
): Answer | Promise<Answer> {
  const settings = namespaceOf(options.namespaces(), room)
  if (isRefusal(settings)) return settings
  const right = roomRefusal('join', settings, room, connection.principal)
  if (isRefusal(right)) return right
  const enters = right === 'ask' ? enterAsked : enterRoom
  return enters(connection, frame, room, settings, options)
}

/** Makes a connection a member of a room of which a service decides who may be in it. */
export function enterAsked(
  connection: SignedIn,
  frame: ClientFrameOf<'join'>,
  room: Room,
  settings: NamespaceSettings,
  options: MembershipOptions,
): Answer | Promise<Answer> {
  const obstacle = obstacleTo(connection, frame, room, settings, options)
  if (obstacle !== null) return obstacle
  return options.rights.ask(connection, room).then((given) => {
    // A close may have come with the answer: what is gone must hold nothing.
    if (!isLive(connection.phase)) return refusal('unauthorized', 'closed meanwhile')
    if (isRefusal(given)) return given
    // Everything else is looked at again, as time has passed.
    const now = namespaceOf(options.namespaces(), room)
    return isRefusal(now) ? now : enterRoom(connection, frame, room, now, options, given)
  })
}

/**
 * Makes a connection a member of a room; whether it may be one is decided before.
 *
 * @param given - what a service has said, where it was asked
 */
export function enterRoom(
  connection: SignedIn,
  frame: ClientFrameOf<'join'>,
  room: Room,
  settings: NamespaceSettings,
  options: MembershipOptions,
  given: GivenRight | null = null,
): Answer | Promise<Answer> {
  const obstacle = obstacleTo(connection, frame, room, settings, options)
  if (obstacle !== null) return obstacle
  const { topics, subjects, rights } = options
  const entering = {
    topics,
    subject: liveSubject(subjects, room),
    // Who is in all rooms is a member of none of them for others to see.
    presence: settings.presence && !isAllRooms(room) ? options.presence() : null,
    watches: frame.presence === true,
    history: settings.history ? options.history() : null,
  }
  if (given === null) return enter(connection, frame, room, entering)
  rights.hold(connection, room, given)
  return enter(connection, frame, room, entering).then((answer) => {
    if (!answer.ok) rights.drop(connection, room.name)
    return answer
  })
}

/** What stands in the way of a membership beside the right to it; null if nothing does. */
function obstacleTo(
  connection: SignedIn,
  frame: ClientFrameOf<'join'>,
  room: Room,
  settings: NamespaceSettings,
  { topics, subjects, roomsMax, presence, history }: MembershipOptions,
): Refusal | null {
  const refused = wildcardObstacle(frame, room, settings)
  if (refused !== null) return refused
  if (!settings.history && (frame.since !== undefined || frame.history !== undefined))
    return refusal('not_enabled', `join: history is off in ${room.namespace}`)
  const watches = frame.presence === true
  if (watches && !settings.presence) return refusal('not_enabled', `join: presence is off in ${room.namespace}`)
  const topic = topics.find(liveSubject(subjects, room))
  if (topic !== undefined && connection.topics.includes(topic))
    return refusal('already_joined', `join: already in ${room.name}`)
  if (roomsOf(connection) >= roomsMax) return refusal('room_limit', `join: at most ${roomsMax} rooms`)
  if (watches && presence() === null) return unavailable(LATE)
  return settings.history && history() === null ? unavailable(HISTORY_LATE) : null
}

/** The topic of its user does not count. */
function roomsOf({ topics }: Connection): number {
  let rooms = 0
  for (const { about } of topics) if (about.kind === 'room') rooms++
  return rooms
}

/** The buckets of presence, or their leader, are away. */
const LATE = 'presence is away'
/** Streams, or their leader, are away. */
const HISTORY_LATE = 'history is away'

interface Entering {
  readonly topics: Topics
  readonly subject: string
  readonly presence: Presence | null
  readonly watches: boolean
  readonly history: History | null
}

/**
 * Nothing is delivered before the `ok` but what it recovers, so the view of members is waited for first; the history comes last, as it
 * makes the connection a member where it has caught up.
 */
async function enter(
  connection: SignedIn,
  frame: ClientFrameOf<'join'>,
  room: Room,
  { topics, subject, presence, watches, history }: Entering,
): Promise<Answer> {
  let view: FollowedView | null = null
  let caughtUp: CaughtUp | null = null
  let late: string | undefined
  const joined = await topics
    .join(connection, subject, { kind: 'room', name: room.name }, async (topic) => {
      if (watches && presence !== null) {
        view = await presence.prepareWatch(connection, room)
        if (view === null) late = LATE
      }
      if (late !== undefined || history === null) return late === undefined
      caughtUp = await history.join(connection, topic, wishOf(frame))
      if (caughtUp === null) late = HISTORY_LATE
      return caughtUp !== null
    })
    .catch((fault: unknown) => {
      abandon()
      throw fault
    })
  const place = caughtUp === null ? {} : placeOf(caughtUp)
  if (joined && view !== null && presence !== null) return ok({ ...place, ...presence.beginWatch(connection, view) })
  if (joined) {
    presence?.entered(connection, room)
    return ok(place)
  }
  abandon()
  return unavailable(late)

  function abandon(): void {
    if (view !== null) presence?.dropWatch(view)
    if (watches) presence?.left(connection, room)
  }
}

function wishOf({ since, history }: ClientFrameOf<'join'>): CatchUpWish {
  return { since: since === undefined ? null : { ...since, time: since.time }, last: history ?? 0 }
}

function placeOf({ epoch, end, recovered }: CaughtUp) {
  return { epoch, offset: end.offset, time: end.time, ...(recovered === null ? {} : { recovered }) }
}

/** Handles `join` of an inbox. */
export function joinInbox(
  connection: SignedIn,
  frame: ClientFrameOf<'join'>,
  { topics, subjects, history }: MembershipOptions,
): Answer | Promise<Answer> {
  const { user } = connection.principal
  if (frame.user !== user) return refusal('forbidden', 'join: only one’s own inbox')
  if (frame.presence === true) return refusal('not_enabled', 'join: an inbox has no presence')
  const running = history()
  const keeps = running !== null && running.targets.user(user) !== null
  if (!keeps && (frame.since !== undefined || frame.history !== undefined))
    return refusal('not_enabled', 'join: inboxes have no history')
  const subject = subjects.user(user)
  const topic = topics.find(subject)
  // Without a history its messages flow from `welcome` on.
  if (!keeps || running === null) return ok()
  if (topic !== undefined && connection.topics.includes(topic)) return refusal('already_joined', 'join: already there')
  let caughtUp: CaughtUp | null = null
  return topics
    .join(connection, subject, { kind: 'user', name: user }, async (topic) => {
      caughtUp = await running.join(connection, topic, wishOf(frame))
      return caughtUp !== null
    })
    .then((joined) => (joined && caughtUp !== null ? ok(placeOf(caughtUp)) : unavailable(HISTORY_LATE)))
}

/** Handles `leave` of an inbox: messages stop until it is joined again, where they are kept. */
export function leaveInbox(
  connection: SignedIn,
  frame: ClientFrameOf<'leave'>,
  { topics, subjects, history }: MembershipOptions,
): Answer {
  const { user } = connection.principal
  if (frame.user !== user) return refusal('forbidden', 'leave: only one’s own inbox')
  const topic = topics.find(subjects.user(user))
  const keeps = (history()?.targets.user(user) ?? null) !== null
  if (keeps && topic !== undefined && connection.topics.includes(topic)) topics.leave(connection, topic)
  return ok()
}

/** Handles `presence`: who is in a room that one may join. */
export function askPresence(
  connection: SignedIn,
  room: Room,
  { namespaces, presence, rights }: MembershipOptions,
): Answer | Promise<Answer> {
  const settings = namespaceOf(namespaces(), room)
  if (isRefusal(settings)) return settings
  const right = roomRefusal('join', settings, room, connection.principal)
  if (isRefusal(right)) return right
  if (!settings.presence) return refusal('not_enabled', `presence: it is off in ${room.namespace}`)
  const running = presence()
  if (running === null) return unavailable(LATE)
  const allowed = right === 'ask' ? rights.mayRead(connection, room) : null
  return allowed === null ? membersOf(running, room) : allowed.then((refused) => refused ?? membersOf(running, room))
}

async function membersOf(presence: Presence, room: Room): Promise<Answer> {
  const answer = await presence.ask(room)
  if (answer.ok) return ok({ members: [...answer.members], count: answer.count })
  return answer.code === 'unavailable' ? unavailable(answer.message) : refusal(answer.code, answer.message)
}

/** Handles `leave` of a room whose name was parsed; leaving where one is not is no mistake. */
export function leave(connection: SignedIn, room: Room, options: MembershipOptions): Answer {
  // A namespace may have been taken away by a new configuration while its rooms have members.
  if (exitRoom(connection, room, options)) return ok()
  const settings = namespaceOf(options.namespaces(), room)
  return isRefusal(settings) ? settings : ok()
}

/** What taking a connection out of a room needs. */
export type ExitOptions = Pick<MembershipOptions, 'topics' | 'subjects' | 'presence'> & {
  readonly rights: Pick<Rights, 'drop'>
}

/** Takes a connection out of a room; whether it was in it. */
export function exitRoom(connection: Connection, room: Room, options: ExitOptions): boolean {
  const { topics, subjects, presence, rights } = options
  rights.drop(connection, room.name)
  connection.added = connection.added?.filter((name) => name !== room.name) ?? null
  const topic = topics.find(liveSubject(subjects, room))
  if (topic === undefined || !connection.topics.includes(topic)) return false
  topics.leave(connection, topic)
  presence()?.left(connection, room)
  return true
}

/** Whether a connection is a member of the room with that subject. */
export function isJoined(connection: Connection, subject: string, topics: Topics): boolean {
  const topic = topics.find(subject)
  return topic !== undefined && isMember(connection, topic)
}
