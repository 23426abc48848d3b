// What services ask routers on `sluice.api.<verb>`, and the answers: schemas, bounds, and reading both without ever throwing on
// what a peer sent. What changes something is in api-acts.ts. Requests come from outside and carry no version; fields that are not known are ignored.
import * as z from 'zod/mini'
import { NAMESPACE_PATTERN } from '../namespaces.ts'
import { apiActAnswerSchemas, apiActSchemas } from './api-acts.ts'
import {
  gatewayField as gateway,
  roomField as room,
  roomTextField as roomText,
  sessionField as session,
  userField as user,
} from './api-fields.ts'
import { readJson } from './versioned.ts'

/** Members in one answer, and the size above which a room gives counts and a sample and tells no joins. */
export const ROOM_MEMBERS_MAX = 1000

/** Rooms in one `count`, and in one answer of `rooms` or `user`. */
export const API_ROOMS_MAX = 1000

/** A request has at most this many bytes: a thousand rooms with names of 128 bytes, escaped. */
export const API_REQUEST_BYTES_MAX = 512 * 1024

/** An answer has at most this many bytes, below NATS's default `max_payload` of 1 MiB: one that would have more is cut short. */
export const API_ANSWER_BYTES_MAX = 960 * 1024

/** How long an owner waits for the revision that a request asks for, in milliseconds. */
export const API_REVISION_WAIT_MS = 1000

const count = z.int().check(z.nonnegative())

const limitNeeded = `an integer from 1 to ${ROOM_MEMBERS_MAX} is needed`
const roomsNeeded = `a list of 1 to ${API_ROOMS_MAX} rooms is needed`
const revisionNeeded = 'an integer from 0 is needed'
const namespaceNeeded = 'a namespace is needed'

const limit = z.optional(z.int(limitNeeded).check(z.minimum(1, limitNeeded), z.maximum(ROOM_MEMBERS_MAX, limitNeeded)))
const member = z.object({ user, info: z.optional(z.unknown()), connections: count })

const roomCounts = z.object({ members: count, connections: count })
// Not a record of zod's: that would leave out a room called `__proto__`.
const countsSchema = z.custom<Readonly<Record<string, z.infer<typeof roomCounts>>>>(
  (raw) =>
    typeof raw === 'object' &&
    raw !== null &&
    !Array.isArray(raw) &&
    Object.values(raw).every((counts) => roomCounts.safeParse(counts).success),
)

/** A room with its counts, as `rooms` lists it. */
export const roomCountSchema = z.object({ room, members: count, connections: count })

/** Requests by verb. */
export const apiRequestSchemas = {
  /** Who is in a room: at most `limit` members, once the owner has seen `revision`. */
  presence: z.object({
    room: roomText,
    limit,
    revision: z.optional(z.int(revisionNeeded).check(z.nonnegative(revisionNeeded))),
  }),
  /** How many are in rooms. */
  count: z.object({
    rooms: z.array(roomText, roomsNeeded).check(z.minLength(1, roomsNeeded), z.maxLength(API_ROOMS_MAX, roomsNeeded)),
  }),
  /** The occupied rooms of a namespace in order of their names by UTF-16 units, after the name `after`. */
  rooms: z.object({
    namespace: z.string(namespaceNeeded).check(z.regex(NAMESPACE_PATTERN, namespaceNeeded)),
    after: z.optional(roomText),
    limit,
  }),
  /** Where a user is. */
  user: z.object({ user }),
  /** The gateways. */
  gateways: z.object({}),
  ...apiActSchemas,
} as const

/** Answers by verb. */
export const apiAnswerSchemas = {
  presence: z.object({
    room,
    /** Members. */
    count,
    connections: count,
    /** All members, or as many as were asked for or fit. */
    members: z.array(member),
    /** There are more members than listed. */
    truncated: z.optional(z.boolean()),
  }),
  count: z.object({
    /** By canonical name: `lobby` for `default:lobby`. A room that nobody is in has zeros. */
    counts: countsSchema,
  }),
  rooms: z.object({
    rooms: z.array(roomCountSchema),
    /** The `after` of the next request; absent at the end. */
    next: z.optional(room),
  }),
  user: z.object({
    user,
    /** 0 for one who is not online: that is no error. */
    connections: count,
    sessions: z.array(z.object({ session, gateway, since: count })),
    /** Sorted, at most {@link API_ROOMS_MAX}. */
    rooms: z.array(room),
  }),
  gateways: z.object({
    gateways: z.array(
      z.object({
        /** The id in its sessions. */
        gateway,
        /** Its name in logs. */
        name: z.optional(z.string()),
        connections: count,
        state: z.enum(['announcing', 'up', 'draining']),
        version: z.string(),
      }),
    ),
  }),
  ...apiActAnswerSchemas,
} as const

/** A verb that routers answer. */
export type ApiVerb = keyof typeof apiRequestSchemas

/** A request of one verb. */
export type ApiRequestOf<verb extends ApiVerb> = z.infer<(typeof apiRequestSchemas)[verb]>

/** An answer of one verb. */
export type ApiAnswerOf<verb extends ApiVerb> = z.infer<(typeof apiAnswerSchemas)[verb]>

/** A room with its counts. */
export type RoomCount = z.infer<typeof roomCountSchema>

/** A request, or what is wrong with it in words that never quote it: the message of `bad_request`. */
export type ParsedApiRequest<verb extends ApiVerb> =
  | { readonly ok: true; readonly request: ApiRequestOf<verb> }
  | { readonly ok: false; readonly message: string }

/** The verbs that routers answer, in the order of the table. */
export const API_VERBS = Object.keys(apiRequestSchemas) as readonly ApiVerb[]

/** Reads a request. Nothing at all stands for `{}`, as tools send it. */
export function decodeApiRequest<verb extends ApiVerb>(verb: verb, bytes: Uint8Array): ParsedApiRequest<verb> {
  if (bytes.length > API_REQUEST_BYTES_MAX) return { ok: false, message: 'the request is too long' }
  const raw = bytes.length === 0 ? {} : readJson(bytes, API_REQUEST_BYTES_MAX)
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    return { ok: false, message: 'a request is one JSON object' }
  const parsed = apiRequestSchemas[verb].safeParse(raw)
  if (parsed.success) return { ok: true, request: parsed.data as ApiRequestOf<verb> }
  const [issue] = parsed.error.issues
  const path = issue?.path.join('.') ?? ''
  return { ok: false, message: path === '' ? `${issue?.message}` : `${path}: ${issue?.message}` }
}

/** Reads an answer; null for what is malformed. */
export function decodeApiAnswer<verb extends ApiVerb>(verb: verb, bytes: Uint8Array): ApiAnswerOf<verb> | null {
  const parsed = apiAnswerSchemas[verb].safeParse(readJson(bytes, API_ANSWER_BYTES_MAX))
  return parsed.success ? (parsed.data as ApiAnswerOf<verb>) : null
}
