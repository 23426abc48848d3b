// The settings of namespaces: one schema that both tiers read from one file, so that they never disagree on what a room is.
import * as z from 'zod/mini'
import { LIMITS } from './limits.ts'

/** What a namespace may be called: its name is part of a stream's name. */
export const NAMESPACE_PATTERN = /^[A-Za-z0-9_-]{1,32}$/

/** Namespaces of one installation: each with history is a stream. */
export const NAMESPACES_MAX = 256

/** Who may do something: everyone signed in, those whose token grants it, or whoever a service says. */
export const whoSchema = z.enum(['anyone', 'granted', 'service'], 'anyone, granted or service is needed')

/** One of `anyone`, `granted`, `service`. */
export type Who = z.infer<typeof whoSchema>

/** What becomes of those who read too slowly: their connection is closed with 4008, or they lose the oldest messages and are told. */
export const slowReadersSchema = z.enum(['close', 'drop'], 'close or drop is needed')

/** An integer from 1. */
function count(max: number) {
  const message = `an integer from 1 to ${max} is needed`
  return z.int(message).check(z.minimum(1, message), z.maximum(max, message))
}

const flag = z.boolean('true or false is needed')

/** Unknown keys are mistakes: a misspelt right must not fall back to a default. */
function settings<shape extends Record<string, z.core.$ZodType>>(shape: shape) {
  return z.strictObject(shape, 'an object of known settings is needed')
}

const historySchema = settings({
  /** Messages kept for each room or user. */
  messages: count(1_000_000),
  /** Seconds that a message is kept: at most a year. */
  seconds: count(31_536_000),
})

/** What is kept of messages: bounds by count and age; false keeps nothing. */
const keptSchema = z.union([historySchema, z.literal(false)], 'false, or messages and seconds are needed')

/** What a history keeps. */
export type HistorySettings = z.infer<typeof historySchema>

/** The settings of users' inboxes. */
export const inboxSchema = settings({
  /** Messages to a user that are kept while it is away, or off. */
  history: z._default(keptSchema, false),
})

/** The settings of users' inboxes, defaults filled in. */
export type InboxSettings = z.infer<typeof inboxSchema>

/** The settings of one namespace. */
export const namespaceSchema = settings({
  join: z._default(settings({ who: z._default(whoSchema, 'granted') }), { who: 'granted' }),
  publish: z._default(
    settings({
      who: z._default(whoSchema, 'granted'),
      /** Only members may publish. */
      joined: z._default(flag, false),
    }),
    { who: 'granted', joined: false },
  ),
  /** Messages kept for recovery, or off. */
  history: z._default(keptSchema, false),
  presence: z._default(flag, false),
  /** Whether `ns:*` can be joined. */
  wildcard: z._default(flag, false),
  /** Whether publishers receive their own messages where their frame does not say. */
  echo: z._default(flag, true),
  /** Whether a connection that reads its rooms too slowly is closed, or loses the oldest of their messages. */
  slowReaders: z._default(slowReadersSchema, 'close'),
  limits: z._default(
    settings({
      /** A payload published by a client into this namespace, in bytes; the frame's limit holds besides. */
      payloadBytesMax: z.optional(count(LIMITS.payloadBytesMax.max)),
    }),
    {},
  ),
})

/** The settings of one namespace, defaults filled in. */
export type NamespaceSettings = z.infer<typeof namespaceSchema>

const keyNeeded = 'a namespace is called 1 to 32 of A-Z a-z 0-9 _ -'

/** All namespaces by name. `default` serves rooms without a colon. */
export const namespacesSchema = z
  .record(z.string().check(z.regex(NAMESPACE_PATTERN, keyNeeded)), namespaceSchema, {
    error: (issue) => (issue.code === 'invalid_key' ? keyNeeded : 'an object of namespaces is needed'),
  })
  .check(z.refine((all) => Object.keys(all).length <= NAMESPACES_MAX, `at most ${NAMESPACES_MAX} namespaces`))

/** All namespaces by name. */
export type Namespaces = z.infer<typeof namespacesSchema>
