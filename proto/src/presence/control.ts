// What routers tell gateways on `sluice.ctl…`, and what gateways answer. A verb of a later release is `unsupported`: an answer,
// so that the router knows; a newer version is skipped and counted.
import * as z from 'zod/mini'
import { CLOSE_REASON_BYTES_MAX } from '../limits.ts'
import { gatewayField, isOneOf, notBeforeField, roomField, sessionField, tokenField, userField } from './api-fields.ts'
import { readVersioned, type Unversioned, type Versioned, versionField, writeVersioned } from './versioned.ts'

/** Sessions in one `close`. */
export const CONTROL_SESSIONS_MAX = 1000

/** Subjects in one `follows`. */
export const FOLLOWS_MAX = 100

/** A `move` may take an hour. */
export const MOVE_WINDOW_MS_MAX = 3_600_000

/** A prefix and two names of 256 bytes, each byte of which may take three characters. */
const SUBJECT_CHARS_MAX = 1800

/** A message of control has at most this many bytes. */
export const CONTROL_BYTES_MAX = 256 * 1024

const encoder = new TextEncoder()
/** What a request is known by: a gateway acts once for each. */
export const REQUEST_ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/
const id = z.string().check(z.regex(REQUEST_ID_PATTERN))

/** What a WebSocket may be closed with by an application (RFC 6455, 7.4.2), and of the standard's codes those that servers send. */
const closeCode = z.int().check(z.refine((code) => (code >= 3000 && code <= 4999) || standardCodes.has(code)))
const standardCodes: ReadonlySet<number> = new Set([1000, 1001, 1008, 1011, 1012, 1013])

const reason = z.string().check(z.refine((reason) => encoder.encode(reason).length <= CLOSE_REASON_BYTES_MAX))

/** What a gateway understands. */
export const controlSchema = z.discriminatedUnion('verb', [
  z.object({
    v: versionField,
    /** Closes those of the sessions that are open here; the others are over already, or another gateway's. */
    verb: z.literal('close'),
    sessions: z.array(sessionField).check(z.minLength(1), z.maxLength(CONTROL_SESSIONS_MAX)),
    code: closeCode,
    reason,
  }),
  z.object({
    v: versionField,
    /** Asks connections of a gateway to connect elsewhere. */
    verb: z.literal('move'),
    id: z.optional(id),
    /** How many; all of them without. */
    connections: z.optional(z.int().check(z.positive())),
    /** Over which they are asked, and after which the last of them is closed if it is still there. */
    windowMs: z.int().check(z.minimum(0), z.maximum(MOVE_WINDOW_MS_MAX)),
    reason,
  }),
  z
    .object({
      v: versionField,
      /** Closes 4005 what is open here of a user, of a token, or one connection. */
      verb: z.literal('disconnect'),
      id,
      user: z.optional(userField),
      session: z.optional(sessionField),
      token: z.optional(tokenField),
      /** Spares connections whose token was issued then or later, in seconds. */
      notBefore: z.optional(notBeforeField),
      reason,
    })
    .check(z.refine((who) => isOneOf(who.user, who.session, who.token))),
  z
    .object({
      v: versionField,
      /** Makes connections members of a room, whatever their grants say. */
      verb: z.literal('join'),
      id,
      user: z.optional(userField),
      session: z.optional(sessionField),
      room: roomField,
    })
    .check(z.refine((who) => isOneOf(who.user, who.session))),
  z
    .object({
      v: versionField,
      /** Takes connections out of a room. */
      verb: z.literal('leave'),
      id,
      user: z.optional(userField),
      session: z.optional(sessionField),
      room: roomField,
      reason,
    })
    .check(z.refine((who) => isOneOf(who.user, who.session))),
  z.object({
    v: versionField,
    /** Asks how many of these live subjects of rooms and users have members here: so many receipts are to be expected. */
    verb: z.literal('follows'),
    subjects: z.array(z.string().check(z.maxLength(SUBJECT_CHARS_MAX))).check(z.minLength(1), z.maxLength(FOLLOWS_MAX)),
  }),
])

const VERBS: ReadonlySet<string> = new Set(['close', 'move', 'disconnect', 'join', 'leave', 'follows'])

/** A message of control. */
export type Control = Unversioned<z.infer<typeof controlSchema>>

/** Reads a message of control. */
export function decodeControl(bytes: Uint8Array): Versioned<Control> | 'unsupported' {
  const verb = readVersioned(bytes, CONTROL_BYTES_MAX, z.object({ v: versionField, verb: z.string() }))
  if (verb === null || verb === 'newer') return verb
  if (!VERBS.has(verb.verb)) return 'unsupported'
  return readVersioned(bytes, CONTROL_BYTES_MAX, controlSchema)
}

/** Writes a message of control. */
export function encodeControl(control: Control): string {
  return writeVersioned(control)
}

/** What a gateway answers where it is asked for an answer: the connections that it acted on, or why on none. */
export const controlAnswerSchema = z.object({
  v: versionField,
  connections: z.int().check(z.nonnegative()),
  code: z.optional(z.enum(['unsupported', 'bad_request', 'unavailable'])),
  /** Who answers; those of the first releases do not say. */
  gateway: z.optional(gatewayField),
})

/** See {@link controlAnswerSchema}. */
export type ControlAnswer = Unversioned<z.infer<typeof controlAnswerSchema>>

/** Reads a gateway's answer. */
export function decodeControlAnswer(bytes: Uint8Array): Versioned<ControlAnswer> {
  return readVersioned(bytes, CONTROL_BYTES_MAX, controlAnswerSchema)
}

/** Writes a gateway's answer. */
export function encodeControlAnswer(answer: ControlAnswer): string {
  return writeVersioned(answer)
}
