// The frames that a gateway sends. Clients parse them with these schemas and ignore types and fields that they don't know.
import * as z from 'zod/mini'
import { idSchema } from './client-frames.ts'
import { ERROR_CODES, type ErrorCode } from './error-codes.ts'

const instant = z.int().check(z.nonnegative())
const offset = z.int().check(z.nonnegative())
const count = z.int().check(z.nonnegative())
const name = z.string()
const epoch = z.string()

const member = z.object({ user: name, info: z.optional(z.unknown()), connections: count })

const position = { offset: z.optional(offset), prev: z.optional(offset), epoch: z.optional(epoch) }

const message = z.object({
  type: z.literal('message'),
  room: z.optional(name),
  user: z.optional(name),
  data: z.optional(z.unknown()),
  bytes: z.optional(z.unknown()),
  from: z.optional(name),
  session: z.optional(name),
  event: z.optional(z.string()),
  key: z.optional(z.string()),
  offset: z.optional(offset),
  prev: z.optional(offset),
  time: z.optional(instant),
  traceparent: z.optional(z.string()),
  withheld: z.optional(z.literal(true)),
})

/** Every server frame by its type, as it stands on the wire. */
export const serverFrameSchemas = {
  welcome: z.object({
    type: z.literal('welcome'),
    version: z.int(),
    session: name,
    user: name,
    gateway: name,
    time: instant,
    expiresAt: z.optional(instant),
    heartbeatMs: count,
    limits: z.record(z.string(), z.number()),
    features: z.array(z.string()),
  }),
  ok: z.object({
    type: z.literal('ok'),
    id: idSchema,
    expiresAt: z.optional(instant),
    ...position,
    time: z.optional(instant),
    recovered: z.optional(z.boolean()),
    duplicate: z.optional(z.boolean()),
    members: z.optional(z.array(member)),
    count: z.optional(count),
    data: z.optional(z.unknown()),
    bytes: z.optional(z.unknown()),
    messages: z.optional(z.array(z.unknown())),
    more: z.optional(z.boolean()),
  }),
  error: z.object({
    type: z.literal('error'),
    id: z.optional(idSchema),
    code: z.string(),
    message: z.string(),
    retryAfterMs: z.optional(count),
    details: z.optional(z.unknown()),
  }),
  message,
  members: z.object({ type: z.literal('members'), room: name, members: z.array(member), count }),
  joined: z.object({ type: z.literal('joined'), room: name, member }),
  left: z.object({ type: z.literal('left'), room: name, member }),
  added: z.object({ type: z.literal('added'), room: name, epoch: z.optional(epoch), offset: z.optional(offset) }),
  removed: z.object({ type: z.literal('removed'), room: name, code: z.string(), reason: z.string() }),
  gap: z.object({
    type: z.literal('gap'),
    room: z.optional(name),
    user: z.optional(name),
    reason: z.string(),
    from: z.optional(offset),
    to: z.optional(offset),
    epoch: z.optional(epoch),
    offset: z.optional(offset),
    missed: z.optional(count),
  }),
  move: z.object({ type: z.literal('move'), afterMs: count, reason: z.string() }),
  pong: z.object({ type: z.literal('pong'), id: z.optional(idSchema) }),
} as const

/** A type of frame that a gateway may send. */
export type ServerFrameType = keyof typeof serverFrameSchemas

/** A server frame as it stands on the wire. */
export type ServerFrame = { [type in ServerFrameType]: z.infer<(typeof serverFrameSchemas)[type]> }[ServerFrameType]

/** A server frame of one type. */
export type ServerFrameOf<type extends ServerFrameType> = z.infer<(typeof serverFrameSchemas)[type]>

/**
 * Checks a decoded server frame.
 *
 * @returns null for a type of a newer gateway and for anything malformed: a client ignores both
 */
export function parseServerFrame(raw: unknown): ServerFrame | null {
  if (typeof raw !== 'object' || raw === null) return null
  const { type } = raw as { type?: unknown }
  if (typeof type !== 'string' || !Object.hasOwn(serverFrameSchemas, type)) return null
  const parsed = serverFrameSchemas[type as ServerFrameType].safeParse(raw)
  return parsed.success ? (parsed.data as ServerFrame) : null
}

/** Whether a text is one of the codes of this release; a later gateway may send others. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code)
}
