// Where a publish of a service goes: the subjects of its rooms, users or connection, and which of them keep a history. Pure.
import {
  ANONYMOUS_PREFIX,
  type ApiRequestOf,
  createHistoryStores,
  createSubjects,
  type GatewayId,
  type InboxSettings,
  type Namespaces,
  parseSession,
  type Room,
  roomShard,
  type SessionId,
  type UserName,
  userShard,
} from '@sluice/proto'
import { roomOf } from '../api/answers.ts'
import type { ApiFailure } from '../api/api-reply.ts'

/** One of them. */
export interface PublishTarget {
  readonly kind: 'room' | 'user' | 'session'
  readonly name: string
  /** Where it is published: into the stream, or live. */
  readonly subject: string
  /** Where its members hear what is live, whether it keeps a history or not. */
  readonly live: string
  /** The stream that keeps it; null for a live message. */
  readonly stream: string | null
  /** The gateway of a connection; null for rooms and users. */
  readonly gateway: GatewayId | null
}

/** What they follow from. */
export interface PublishSettings {
  readonly nats: { readonly prefix: string }
  readonly namespaces: Namespaces
  readonly inbox: InboxSettings
}

type Publish = ApiRequestOf<'publish'>

/** The shard whose owners publish: that of the first target. */
export function publishShard({ room, user, session, rooms, users }: Publish): {
  readonly scope: 'room' | 'user'
  readonly shard: number
} {
  const first = room ?? rooms?.[0]
  if (first !== undefined) return { scope: 'room', shard: roomShard(roomOf(first)) }
  return { scope: 'user', shard: userShard((user ?? users?.[0] ?? session ?? '') as UserName) }
}

/** All of them, each once; a failure where one of the rooms can't be. */
export function publishTargets(request: Publish, settings: PublishSettings): readonly PublishTarget[] | ApiFailure {
  const { room, user, session, ephemeral = false } = request
  if (session !== undefined) return [sessionTarget(session, settings)]
  const rooms = room === undefined ? request.rooms : [room]
  if (rooms === undefined) {
    const users = user === undefined ? (request.users ?? []) : [user]
    return [...new Set(users)].map((name) => userTarget(name, ephemeral, settings))
  }
  const parsed = new Map(rooms.map((raw) => roomOf(raw)).map((one) => [one.name, one]))
  for (const { namespace } of parsed.values())
    if (!Object.hasOwn(settings.namespaces, namespace))
      return { code: 'unknown_namespace', message: 'no namespace of this name is configured' }
  return [...parsed.values()].map((one) => roomTarget(one, ephemeral, settings))
}

function roomTarget(room: Room, ephemeral: boolean, { nats: { prefix }, namespaces }: PublishSettings): PublishTarget {
  const subjects = createSubjects(prefix)
  const stored = !ephemeral && namespaces[room.namespace]?.history !== false
  return {
    kind: 'room',
    name: room.name,
    subject: stored ? subjects.publishRoom(room) : subjects.room(room),
    live: subjects.room(room),
    gateway: null,
    stream: stored ? createHistoryStores(prefix).room(room.namespace).stream : null,
  }
}

function userTarget(name: UserName, ephemeral: boolean, { nats: { prefix }, inbox }: PublishSettings): PublishTarget {
  const subjects = createSubjects(prefix)
  // An anonymous user is gone with its connection, and has no inbox.
  const stored = !ephemeral && inbox.history !== false && !name.startsWith(ANONYMOUS_PREFIX)
  return {
    kind: 'user',
    name,
    subject: stored ? subjects.publishUser(name) : subjects.user(name),
    live: subjects.user(name),
    gateway: null,
    stream: stored ? createHistoryStores(prefix).inbox.stream : null,
  }
}

function sessionTarget(session: SessionId, { nats: { prefix } }: PublishSettings): PublishTarget {
  const parsed = parseSession(session)
  if (parsed === null) throw new RangeError('a session was not parsed before')
  const subject = createSubjects(prefix).session(parsed.gateway, parsed.number)
  return { kind: 'session', name: session, subject, live: subject, stream: null, gateway: parsed.gateway }
}
