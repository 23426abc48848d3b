// What routers tell gateways on `sluice.ctl…`, and what gateways answer. A verb of a later release is `unsupported`: an answer,
// so that the router knows; a newer version is skipped and counted.
import * as z from 'zod/mini'
import { CLOSE_REASON_BYTES_MAX } from '../limits.ts'
import { parseSession, type SessionId } from '../names.ts'
import { readVersioned, type Unversioned, type Versioned, versionField, writeVersioned } from './versioned.ts'

/** Sessions in one `close`. */
export const CONTROL_SESSIONS_MAX = 1000

/** A `move` may take an hour. */
export const MOVE_WINDOW_MS_MAX = 3_600_000

/** A message of control has at most this many bytes. */
export const CONTROL_BYTES_MAX = 256 * 1024

const encoder = new TextEncoder()
const session = z.custom<SessionId>((raw) => parseSession(raw) !== null)

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
    sessions: z.array(session).check(z.minLength(1), z.maxLength(CONTROL_SESSIONS_MAX)),
    code: closeCode,
    reason,
  }),
  z.object({
    v: versionField,
    /** Asks connections of a gateway to connect elsewhere. */
    verb: z.literal('move'),
    /** How many; all of them without. */
    connections: z.optional(z.int().check(z.positive())),
    /** Over which they are asked, and after which the last of them is closed if it is still there. */
    windowMs: z.int().check(z.minimum(0), z.maximum(MOVE_WINDOW_MS_MAX)),
    reason,
  }),
])

const VERBS: ReadonlySet<string> = new Set(['close', 'move'])

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
  code: z.optional(z.enum(['unsupported', 'bad_request'])),
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
