// What a gateway asks a service before it lets a user do something, and how the answer is read: only `allow: true` allows. Whatever
// else comes back refuses. Never throws on what a service sent.
import * as z from 'zod/mini'
import { isTooDeep } from '../data-depth.ts'
import { INFO_BYTES_MAX, LIMITS, REASON_CHARS_MAX } from '../limits.ts'
import type { RoomName, SessionId, UserName } from '../names.ts'
import { encodeBase64, type Payload } from '../payload.ts'

/** What services are asked about in rooms. */
export type AuthorizedAction = 'join' | 'publish'

/** A question takes at most this long. */
export const AUTHORIZE_WAIT_MS = 2000

/** A right lasts this long at least where it ends at all, so that a gateway never asks in a circle. */
export const RIGHT_MS_MIN = 1000

/** A longer `ttlMs` counts as this: an hour. */
export const RIGHT_MS_MAX = 3_600_000

/** An answer larger than this is malformed. */
export const ANSWER_BYTES_MAX = 16_384

/** Who asks for what. */
export interface AuthorizeQuestion {
  readonly user: UserName
  readonly session: SessionId
  /** JSON, spliced in as it is; null for an anonymous user. */
  readonly claims: string | null
  readonly room?: RoomName | undefined
  /** What is to be published. */
  readonly payload?: Payload | undefined
  readonly event?: string | undefined
}

/** Bounds that a service sets to a connection in a room. */
export interface RightLimits {
  readonly publishesPerSecond?: number | undefined
  readonly payloadBytesMax?: number | undefined
}

/** A right that a service has given. */
export interface GivenRight {
  /** How long it lasts, within {@link RIGHT_MS_MAX}; null where the answer does not say. */
  readonly ttlMs: number | null
  /** Shown to others in presence in place of the token's; undefined where the answer has none. */
  readonly info: unknown
  readonly limits: RightLimits
}

/** What a service has answered. */
export type AuthorizeAnswer =
  | { readonly allow: true; readonly right: GivenRight }
  /** The reason is bounded by {@link REASON_CHARS_MAX}. */
  | { readonly allow: false; readonly reason: string | null }

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Writes a question as JSON. */
export function encodeAuthorizeQuestion({ user, session, claims, room, payload, event }: AuthorizeQuestion): string {
  let text = `{"user":${JSON.stringify(user)},"session":${JSON.stringify(session)}`
  if (room !== undefined) text += `,"room":${JSON.stringify(room)}`
  text += `,"claims":${claims ?? 'null'}`
  if (payload?.kind === 'json') text += `,"data":${decoder.decode(payload.bytes)}`
  if (payload?.kind === 'bytes') text += `,"bytes":"${encodeBase64(payload.bytes)}"`
  if (event !== undefined) text += `,"event":${JSON.stringify(event)}`
  return `${text}}`
}

const rightSchema = z.object({
  allow: z.literal(true),
  ttlMs: z.optional(z.number().check(z.nonnegative())),
  info: z.optional(z.unknown()),
  limits: z.optional(
    z.object({
      publishesPerSecond: z.optional(z.number().check(z.positive(), z.maximum(LIMITS.publishesPerSecond.max))),
      payloadBytesMax: z.optional(z.int().check(z.positive())),
    }),
  ),
})
const refusalSchema = z.object({ allow: z.literal(false), reason: z.optional(z.string()) })

/**
 * Reads an answer.
 *
 * @returns null for what is malformed: limits that can't be read must not become none
 */
export function decodeAuthorizeAnswer(bytes: Uint8Array): AuthorizeAnswer | null {
  const raw = read(bytes)
  const refused = refusalSchema.safeParse(raw)
  if (refused.success) return { allow: false, reason: refused.data.reason ? reasonOf(refused.data.reason) : null }
  const given = rightSchema.safeParse(raw)
  if (!given.success) return null
  const { ttlMs, info, limits = {} } = given.data
  if (info !== undefined && encoder.encode(JSON.stringify(info)).length > INFO_BYTES_MAX) return null
  const right = { ttlMs: ttlMs === undefined ? null : Math.min(ttlMs, RIGHT_MS_MAX), info, limits }
  return { allow: true, right }
}

const encoder = new TextEncoder()

function read(bytes: Uint8Array): unknown {
  if (bytes.length > ANSWER_BYTES_MAX) return undefined
  try {
    const text = decoder.decode(bytes)
    const value: unknown = JSON.parse(text)
    return isTooDeep(text) ? undefined : value
  } catch {
    // Only what a service sent can be no JSON; it allows nothing.
    return undefined
  }
}

/** What a service says for people, made fit for a frame: bounded, and well-formed. */
export function reasonOf(text: string): string {
  return text.slice(0, REASON_CHARS_MAX).toWellFormed()
}
