// Names of rooms, users and sessions: parsed once where they enter, carried as branded strings from there on.
// Owns the rules of what a name may be. Never builds subjects: that is subjects.ts.

declare const brand: unique symbol

/** A room's canonical name, `namespace:name`, or `name` alone in the namespace `default`. */
export type RoomName = string & { readonly [brand]: 'RoomName' }

/** A user's name: the user claim of the token, or `~<session>` for an anonymous user. */
export type UserName = string & { readonly [brand]: 'UserName' }

/** `<gateway>.<n>`: one connection of one gateway process, new for each socket. It is no secret. */
export type SessionId = string & { readonly [brand]: 'SessionId' }

/** A gateway process, `[A-Za-z0-9_-]`, new at each start. */
export type GatewayId = string & { readonly [brand]: 'GatewayId' }

/** A room with its two halves, as subjects and namespace settings need them. */
export interface Room {
  readonly name: RoomName
  /** The configured namespace that the room belongs to; whether it exists is the caller's question. */
  readonly namespace: string
  /** What stands behind the first colon; it may hold further colons. */
  readonly local: string
}

/** The namespace of a room whose name has no colon. */
export const DEFAULT_NAMESPACE = 'default'

/** What an anonymous user's name begins with; a token's user must not. */
export const ANONYMOUS_PREFIX = '~'

const encoder = new TextEncoder()
const gatewayPattern = /^[A-Za-z0-9_-]{1,64}$/
const sessionPattern = /^([A-Za-z0-9_-]{1,64})\.([1-9][0-9]{0,15})$/

/**
 * Parses a room's name as a client or a service wrote it.
 *
 * Any well-formed Unicode text is a name but for `*`, which stands for wildcards. `default:lobby` becomes `lobby`.
 *
 * @param raw - whatever stood in the frame
 * @param nameBytesMax - bound of the whole name in UTF-8 bytes
 * @returns null if it is no name
 */
export function parseRoom(raw: unknown, nameBytesMax: number): Room | null {
  if (!isName(raw, nameBytesMax)) return null
  const colon = raw.indexOf(':')
  if (colon === -1) return { name: raw as RoomName, namespace: DEFAULT_NAMESPACE, local: raw }
  const namespace = raw.slice(0, colon)
  const local = raw.slice(colon + 1)
  if (namespace === '' || local === '') return null
  // `default:a:b` keeps its prefix: without it the name would read as namespace `a`.
  const short = namespace === DEFAULT_NAMESPACE && !local.includes(':')
  return { name: (short ? local : raw) as RoomName, namespace, local }
}

/**
 * Whether a text is the pattern of all rooms of a namespace, `ns:*`. It is no name: {@link parseRoom} refuses it, as it refuses
 * a `*` anywhere else.
 */
export function isWildcard(raw: unknown): boolean {
  return typeof raw === 'string' && raw.endsWith(':*') && raw.indexOf(':') === raw.length - 2 && raw.length > 2
}

/**
 * Parses a user's name as a claim, a client or a service wrote it. Anonymous names (`~<session>`) pass: whoever takes names
 * from tokens refuses them there.
 *
 * @returns null if it is no name
 */
export function parseUser(raw: unknown, nameBytesMax: number): UserName | null {
  return isName(raw, nameBytesMax) ? (raw as UserName) : null
}

/** Parses a session as a client or a service wrote it; null if it is none. */
export function parseSession(
  raw: unknown,
): { readonly session: SessionId; readonly gateway: GatewayId; readonly number: number } | null {
  if (typeof raw !== 'string') return null
  const match = sessionPattern.exec(raw)
  if (match === null) return null
  const number = Number(match[2])
  if (!Number.isSafeInteger(number)) return null
  return { session: raw as SessionId, gateway: match[1] as GatewayId, number }
}

/** Names the `number`th connection of a gateway; numbers begin with 1. */
export function sessionId(gateway: GatewayId, number: number): SessionId {
  return `${gateway}.${number}` as SessionId
}

/** The user name of a connection without a token, where those are let in. */
export function anonymousUser(session: SessionId): UserName {
  return `${ANONYMOUS_PREFIX}${session}` as UserName
}

/** Checks a gateway's id; null if it has other characters or is too long. */
export function parseGateway(raw: unknown): GatewayId | null {
  return typeof raw === 'string' && gatewayPattern.test(raw) ? (raw as GatewayId) : null
}

function isName(raw: unknown, nameBytesMax: number): raw is string {
  if (typeof raw !== 'string' || raw === '' || raw.length > nameBytesMax) return false
  if (raw.includes('*') || !raw.isWellFormed()) return false
  // A UTF-16 unit takes at most three bytes, so short names need no second look.
  return raw.length * 3 <= nameBytesMax || encoder.encode(raw).length <= nameBytesMax
}
