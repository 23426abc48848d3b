// The frames that a client sends, as schemas and as the types that a gateway works with. A frame's shape is checked once,
// here; its names are parsed by whoever knows the configured bound (names.ts), its body by the codecs. Fields that a schema
// does not know are ignored: that is how the protocol grows.
import * as z from 'zod/mini'
import { EVENT_PATTERN, KEY_PATTERN, TRACE_PARENT_PATTERN } from './headers.ts'
import {
  EPOCH_CHARS_MAX,
  HISTORY_LIMIT_MAX,
  ID_CHARS_MAX,
  KEY_CHARS_MAX,
  METHOD_CHARS_MAX,
  TOKEN_BYTES_MAX,
} from './limits.ts'

// Every check says what is needed, as zod/mini has no words of its own. These texts reach the peer: they never quote it.
const textNeeded = 'a text is needed'
const flag = z.boolean('true or false is needed')
const idNeeded = `an integer from 1 or a text of 1 to ${ID_CHARS_MAX} characters is needed`

/** The library's own bound counts code points, the protocol UTF-16 units [P-1.2]. */
function within(max: number): (text: string) => boolean {
  return (text) => text.length <= max
}

/** A request's `id`: an integer from 1, or a text of 1 to 32 characters. */
export const idSchema = z.union(
  [
    z.int(idNeeded).check(z.positive(idNeeded)),
    z
      .string(idNeeded)
      .check(z.minLength(1, idNeeded), z.maxLength(ID_CHARS_MAX, idNeeded), z.refine(within(ID_CHARS_MAX), idNeeded)),
  ],
  idNeeded,
)

/** See {@link idSchema}. */
export type RequestId = z.infer<typeof idSchema>

/** A text of 1 to `max` characters (UTF-16 units). */
function text(max: number) {
  const message = `a text of 1 to ${max} characters is needed`
  return z.string(message).check(z.minLength(1, message), z.maxLength(max, message), z.refine(within(max), message))
}

/** An integer within bounds, both included. */
function integer(min: number, max: number) {
  const message = `an integer from ${min} to ${max} is needed`
  return z.int(message).check(z.minimum(min, message), z.maximum(max, message))
}

const id = z.optional(idSchema)
const eventNeeded = 'a text of 1 to 64 of A-Z a-z 0-9 _ . - is needed'
const event = z.optional(z.string(eventNeeded).check(z.regex(EVENT_PATTERN, eventNeeded)))
const keyNeeded = 'a text without control characters and without white space at its ends is needed'
const key = z.optional(text(KEY_CHARS_MAX).check(z.regex(KEY_PATTERN, keyNeeded)))
/** One that is none counts as absent: no message fails because of its trace [P-21.1]. */
const traceparent = z.catch(z.optional(z.string().check(z.regex(TRACE_PARENT_PATTERN))), undefined)
const name = z.string(textNeeded)
const offset = integer(0, Number.MAX_SAFE_INTEGER)

/** `data` and `bytes` are looked at by the codecs, as their form depends on the encoding. */
const body = { data: z.optional(z.unknown()), bytes: z.optional(z.unknown()) }

const since = z.object(
  { epoch: text(EPOCH_CHARS_MAX), offset, time: z.optional(offset) },
  'an object with epoch and offset is needed',
)

/** Every client frame by its type, as it stands on the wire. */
export const clientFrameSchemas = {
  auth: z.object({ type: z.literal('auth'), id, token: text(TOKEN_BYTES_MAX) }),
  join: z.object({
    type: z.literal('join'),
    id,
    room: z.optional(name),
    user: z.optional(name),
    since: z.optional(since),
    history: z.optional(integer(1, HISTORY_LIMIT_MAX)),
    presence: z.optional(flag),
  }),
  leave: z.object({ type: z.literal('leave'), id, room: z.optional(name), user: z.optional(name) }),
  publish: z.object({
    type: z.literal('publish'),
    id,
    room: name,
    ...body,
    event,
    key,
    echo: z.optional(flag),
    ephemeral: z.optional(flag),
    traceparent,
  }),
  send: z.object({
    type: z.literal('send'),
    id,
    user: z.optional(name),
    session: z.optional(name),
    ...body,
    event,
    key,
    ephemeral: z.optional(flag),
    traceparent,
  }),
  call: z.object({
    type: z.literal('call'),
    id,
    method: text(METHOD_CHARS_MAX),
    ...body,
    timeoutMs: z.optional(integer(1, Number.MAX_SAFE_INTEGER)),
    traceparent,
  }),
  presence: z.object({ type: z.literal('presence'), id, room: name }),
  history: z.object({
    type: z.literal('history'),
    id,
    room: z.optional(name),
    user: z.optional(name),
    limit: integer(1, HISTORY_LIMIT_MAX),
    before: z.optional(offset),
    after: z.optional(offset),
  }),
  ping: z.object({ type: z.literal('ping'), id }),
} as const

/** A type of frame that a client may send. */
export type ClientFrameType = keyof typeof clientFrameSchemas

/** A client frame as it stands on the wire, `data` and `bytes` in the form of their encoding. */
export type ClientFrame = { [type in ClientFrameType]: z.infer<(typeof clientFrameSchemas)[type]> }[ClientFrameType]

/** A client frame of one type. */
export type ClientFrameOf<type extends ClientFrameType> = z.infer<(typeof clientFrameSchemas)[type]>

/** Why a frame was not understood. `unknown` is the type of a newer client and does not count as malformed. */
export interface FrameRefusal {
  readonly ok: false
  readonly reason: 'malformed' | 'unknown'
  /** For the `error` frame: what is wrong, never what stood there. */
  readonly message: string
  /** The request's id where at least that could be read. */
  readonly id: RequestId | undefined
}

/** A frame, or why there is none. */
export type Parsed<frame> = { readonly ok: true; readonly frame: frame } | FrameRefusal

/** Types that carry `data` or `bytes`, and need exactly one of them. */
export const BODY_TYPES: ReadonlySet<ClientFrameType> = new Set(['publish', 'send', 'call'])

/** The two fields, for types that have such, of which a frame needs exactly one. */
export const TARGET_FIELDS: { readonly [type in ClientFrameType]?: readonly [string, string] } = {
  join: ['room', 'user'],
  leave: ['room', 'user'],
  send: ['user', 'session'],
  history: ['room', 'user'],
}

/**
 * Checks what a codec has decoded against the schema of its type.
 *
 * @param raw - any value
 */
export function parseClientFrame(raw: unknown): Parsed<ClientFrame> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    return refuse('malformed', 'a frame is one object', undefined)
  }
  const { type } = raw as { type?: unknown }
  if (typeof type !== 'string') return refuse('malformed', `type: ${textNeeded}`, idOf(raw))
  if (!Object.hasOwn(clientFrameSchemas, type)) return refuse('unknown', 'type: no such frame', idOf(raw))
  const parsed = clientFrameSchemas[type as ClientFrameType].safeParse(raw)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return refuse('malformed', `${issue?.path.join('.')}: ${issue?.message}`, idOf(raw))
  }
  const frame = parsed.data as ClientFrame
  const problem = combinationProblem(frame)
  return problem === null ? { ok: true, frame } : refuse('malformed', problem, frame.id)
}

/** The id of a frame that is refused, where it has one. */
function idOf(raw: object): RequestId | undefined {
  const parsed = idSchema.safeParse('id' in raw ? raw.id : undefined)
  return parsed.success ? parsed.data : undefined
}

/** What is wrong with fields that are each right alone; null if nothing is. */
function combinationProblem(frame: ClientFrame): string | null {
  const target = TARGET_FIELDS[frame.type]
  if (target !== undefined && target[0] in frame === target[1] in frame) {
    return `${target[0]} or ${target[1]}: exactly one of them is needed`
  }
  if (frame.type === 'history' && frame.before !== undefined && frame.after !== undefined) {
    return 'before and after: only one of them'
  }
  return null
}

/** Builds a {@link FrameRefusal}. */
export function refuse(reason: FrameRefusal['reason'], message: string, id: RequestId | undefined): FrameRefusal {
  return { ok: false, reason, message, id }
}

/** Passes a frame on that has neither `data` nor `bytes`, unless its type needs one of them. */
export function withoutPayload(frame: ClientFrame): Parsed<ClientFrame> {
  if (!BODY_TYPES.has(frame.type)) return { ok: true, frame }
  return refuse('malformed', 'data or bytes: exactly one of them is needed', frame.id)
}
