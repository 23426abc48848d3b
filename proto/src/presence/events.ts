// Events for backends: their bodies, and the ids by which duplicates are recognised. Routers publish them at least once; each
// says what a shard's owner has seen change. Never decides that something has changed: the views do.
import * as z from 'zod/mini'
import { LIMITS } from '../limits.ts'
import {
  type GatewayId,
  parseGateway,
  parseRoom,
  parseSession,
  parseUser,
  type Room,
  type RoomName,
  type SessionId,
  type UserName,
} from '../names.ts'
import type { Subjects } from '../subjects.ts'
import type { Instance } from './keys.ts'
import { ROOM_SHARDS, USER_SHARDS } from './shards.ts'
import { readJson } from './versioned.ts'

/** An event has at most this many bytes. */
export const EVENT_BYTES_MAX = 8192

const nameBytesMax = LIMITS.nameBytesMax.max
const count = z.int().check(z.nonnegative())
const user = z.custom<UserName>((raw) => parseUser(raw, nameBytesMax) !== null)
const room = z.custom<RoomName>((raw) => parseRoom(raw, nameBytesMax)?.name === raw)
const session = z.custom<SessionId>((raw) => parseSession(raw) !== null)
const gateway = z.custom<GatewayId>((raw) => parseGateway(raw) !== null)

const common = {
  /** Where it happened, or the gateway whose lease ended. */
  gateway,
  /** When the router saw it, in milliseconds of Unix time. */
  at: count,
  /** `expired` where a lease has ended; absent where someone came or went. */
  reason: z.optional(z.string().check(z.maxLength(64))),
  /** Orders the events of one user in one room, or of one session: older ones are to be ignored. */
  revision: count,
}

/** Every event as it stands in the stream. Consumers ignore fields and kinds that they don't know. */
export const eventSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.enum(['connected', 'disconnected']),
    user,
    session,
    /** Connections of the user after it: with 0 the user is offline. */
    connections: count,
    ...common,
  }),
  z.object({ kind: z.enum(['joined', 'left']), user, room, ...common }),
  z.object({
    kind: z.enum(['occupied', 'empty']),
    room,
    /** The first member, or the last. */
    user,
    ...common,
  }),
  z.object({
    kind: z.literal('resync'),
    /** Events of this shard may be missing before this one: ask for the state, and forget older revisions. */
    scope: z.enum(['room', 'user']),
    shard: count.check(z.maximum(Math.max(ROOM_SHARDS, USER_SHARDS) - 1)),
    at: count,
    revision: count,
  }),
])

/** See {@link eventSchema}. */
export type PresenceEvent = z.infer<typeof eventSchema>

/** What has made an event: a changed entry, or the lease of an instance, which may change many at once. */
export type EventCause =
  | { readonly kind: 'entry'; readonly revision: number }
  | { readonly kind: 'lease'; readonly instance: Instance; readonly revision: number }

/** The subject of an event. */
export function eventSubject(subjects: Subjects, event: PresenceEvent): string {
  switch (event.kind) {
    case 'connected':
    case 'disconnected':
      return subjects.userEvent(event.kind, event.user)
    case 'joined':
    case 'left':
      return subjects.memberEvent(event.kind, roomOf(event.room), event.user)
    case 'occupied':
    case 'empty':
      return subjects.roomEvent(event.kind, roomOf(event.room))
    case 'resync':
      return subjects.resyncEvent(event.scope, event.shard)
  }
}

/**
 * The `Nats-Msg-Id` of an event: the same from both owners of a shard that saw the same cause, and never that of another event.
 *
 * @param cause - of an entry, {@link MemberChange.revision}; of a lease, the revision of the value that changed the counting
 */
export function eventId(subjects: Subjects, event: PresenceEvent, cause: EventCause): string {
  const session = event.kind === 'connected' || event.kind === 'disconnected' ? `.${event.session}` : ''
  const by = cause.kind === 'entry' ? `${cause.revision}` : `${cause.instance}.${cause.revision}`
  return `${eventSubject(subjects, event)}${session}.${by}`
}

/** Reads an event; null for a kind of a later release, and for what is malformed. */
export function decodeEvent(bytes: Uint8Array): PresenceEvent | null {
  const parsed = eventSchema.safeParse(readJson(bytes, EVENT_BYTES_MAX))
  return parsed.success ? parsed.data : null
}

/** Writes an event. */
export function encodeEvent(event: PresenceEvent): string {
  return JSON.stringify(event)
}

function roomOf(name: RoomName): Room {
  const parsed = parseRoom(name, nameBytesMax)
  if (parsed === null) throw new RangeError('a room name was not parsed before')
  return parsed
}
