// What services ask routers to do: requests, answers and their bounds. Each has a request id, so that it is done once however often it
// is heard or asked; the questions are in api.ts.
import * as z from 'zod/mini'
import { EVENT_PATTERN, KEY_PATTERN } from '../headers.ts'
import { KEY_CHARS_MAX } from '../limits.ts'
import {
  gatewayField,
  isOneOf,
  notBeforeField,
  reasonField,
  roomTextField,
  sessionField,
  tokenField,
  userField,
} from './api-fields.ts'
import { MOVE_WINDOW_MS_MAX } from './control.ts'

/** A request id as a service may write it, in characters; what follows from it is a digest. */
export const REQUEST_ID_CHARS_MAX = 1024

/** Rooms or users of one `publish`. */
export const PUBLISH_TARGETS_MAX = 1000

const count = z.int().check(z.nonnegative())
const whoNeeded = 'user or session: exactly one of them is needed'
const targetNeeded = 'user, session or token: exactly one of them is needed'
const windowNeeded = `an integer from 0 to ${MOVE_WINDOW_MS_MAX} is needed`
const connectionsNeeded = 'an integer from 1 is needed'

const member = { user: z.optional(userField), session: z.optional(sessionField), room: roomTextField }
const aimNeeded = 'room, user, session, rooms or users: exactly one of them is needed'
const bodyNeeded = 'data or bytes: exactly one of them is needed'
const listNeeded = `a list of 1 to ${PUBLISH_TARGETS_MAX} is needed`
const flag = z.boolean('true or false is needed')
const eventNeeded = 'a text of 1 to 64 of A-Z a-z 0-9 _ . - is needed'
const keyNeeded = `a text of 1 to ${KEY_CHARS_MAX} characters without control characters or white space at its ends is needed`

function list<field extends z.ZodMiniType>(field: field) {
  return z.array(field, listNeeded).check(z.minLength(1, listNeeded), z.maxLength(PUBLISH_TARGETS_MAX, listNeeded))
}

/** Gateways that live and have not answered in time: what there is of the user may go on there. */
const silent = z.optional(count)

/** Requests by verb. */
export const apiActSchemas = {
  /** Publishes into rooms, to users or to a connection: stored where a history is kept, else live. */
  publish: z
    .object({
      room: z.optional(roomTextField),
      user: z.optional(userField),
      session: z.optional(sessionField),
      rooms: z.optional(list(roomTextField)),
      users: z.optional(list(userField)),
      /** Any JSON; it travels as it was written. */
      data: z.optional(z.unknown()),
      /** Base64. */
      bytes: z.optional(z.string('a text is needed')),
      event: z.optional(z.string(eventNeeded).check(z.regex(EVENT_PATTERN, eventNeeded))),
      /** Stored once within two minutes for each room or user, whichever service sends it. */
      key: z.optional(
        z.string(keyNeeded).check(z.maxLength(KEY_CHARS_MAX, keyNeeded), z.regex(KEY_PATTERN, keyNeeded)),
      ),
      /** Whom it is kept from. */
      exclude: z.optional(z.object({ session: z.optional(sessionField), user: z.optional(userField) })),
      /** Whether to answer who it was delivered to. */
      receipt: z.optional(flag),
      /** Live only, also where a history is kept. */
      ephemeral: z.optional(flag),
    })
    .check(
      z.refine(({ room, user, session, rooms, users }) => isOneOf(room, user, session, rooms, users), aimNeeded),
      z.refine(({ data, bytes }) => isOneOf(data, bytes), bodyNeeded),
    ),
  /** Closes connections 4005: all of a user, all of a token, or one. */
  disconnect: z
    .object({
      user: z.optional(userField),
      session: z.optional(sessionField),
      token: z.optional(tokenField),
      reason: z.optional(reasonField),
      /** Spares connections whose token was issued then or later; older tokens are not let in again. */
      notBefore: z.optional(notBeforeField),
    })
    .check(
      z.refine(({ user, session, token }) => isOneOf(user, session, token), targetNeeded),
      z.refine(
        ({ session, notBefore }) => session === undefined || notBefore === undefined,
        'notBefore: a session has one connection only, so nothing later is refused',
      ),
    ),
  /** Makes a user, or one connection, a member of a room, whatever the grants say. */
  join: z.object(member).check(z.refine(({ user, session }) => isOneOf(user, session), whoNeeded)),
  /** Takes a user, or one connection, out of a room. */
  leave: z
    .object({ ...member, reason: z.optional(reasonField) })
    .check(z.refine(({ user, session }) => isOneOf(user, session), whoNeeded)),
  /** Asks connections of a gateway to connect elsewhere. */
  move: z.object({
    gateway: gatewayField,
    /** How many; all of them without. */
    connections: z.optional(z.int(connectionsNeeded).check(z.positive(connectionsNeeded))),
    /** Over which they are asked. */
    windowMs: z.optional(
      z.int(windowNeeded).check(z.minimum(0, windowNeeded), z.maximum(MOVE_WINDOW_MS_MAX, windowNeeded)),
    ),
    reason: z.optional(reasonField),
  }),
} as const

/** To whom a message was delivered, as far as gateways have told in time. */
const receiptAnswer = z.object({
  /** Gateways with members, or with connections of the user. */
  gateways: count,
  /** Their connections that it was for. */
  connections: count,
  /** Those whose queue has taken it. */
  written: count,
  /** Those that read too slowly for it, and were closed. */
  skipped: count,
})

/** Answers by verb. */
export const apiActAnswerSchemas = {
  /** Of one stored message where it is; of a list how many were published, and how many perhaps not. */
  publish: z.object({
    offset: z.optional(count),
    epoch: z.optional(z.string()),
    duplicate: z.optional(z.boolean()),
    published: z.optional(count),
    failed: z.optional(count),
    receipt: z.optional(receiptAnswer),
  }),
  /** Connections that were closed, and the gateways that they were on. */
  disconnect: z.object({ connections: count, gateways: count, silent }),
  /** Connections that have become members; those that were members already do not count. */
  join: z.object({ connections: count, silent }),
  /** Connections that have left. */
  leave: z.object({ connections: count, silent }),
  /** Connections that are asked to move. */
  move: z.object({ connections: count }),
} as const

/** A verb that changes something. */
export type ApiAct = keyof typeof apiActSchemas

/** Whether a verb changes something, so that it needs a request id. */
export function isApiAct(verb: string): verb is ApiAct {
  return Object.hasOwn(apiActSchemas, verb)
}
