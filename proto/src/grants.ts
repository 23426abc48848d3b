// Grants: what a token lets its user do. Patterns are exact names, `ns:*` for a namespace, `*` for all where that makes
// sense; `{user}` stands for the user's own name. Pure: who asks and when is the session's business.
import * as z from 'zod/mini'
import type { Room, UserName } from './names.ts'
import { DEFAULT_NAMESPACE, parseRoom } from './names.ts'

/** Patterns in one list of a grant: more than a token of 8 KiB could hold with names of any use. */
export const PATTERNS_MAX = 1000

/** Characters of one pattern. */
export const PATTERN_CHARS_MAX = 300

const patternNeeded = `a text of 1 to ${PATTERN_CHARS_MAX} characters is needed`
const listNeeded = `a list of at most ${PATTERNS_MAX} patterns is needed`
const pattern = z
  .string(patternNeeded)
  .check(z.minLength(1, patternNeeded), z.maxLength(PATTERN_CHARS_MAX, patternNeeded))
const patterns = z.optional(z.array(pattern, listNeeded).check(z.maxLength(PATTERNS_MAX, listNeeded)))

/** The claim `sluice` of a token, and `auth.grants` of the configuration. Unknown fields are ignored. */
export const grantsSchema = z.object(
  {
    join: patterns,
    publish: patterns,
    send: patterns,
    call: patterns,
    rooms: patterns,
    info: z.optional(z.unknown()),
    hidden: z.optional(z.boolean('true or false is needed')),
  },
  'an object of grants is needed',
)

/** What a user may do beyond what namespaces allow to everyone. */
export type Grants = z.infer<typeof grantsSchema>

/**
 * Whether one of the room patterns (`join`, `publish`) fits the room. `ns:*` fits every room of the namespace and
 * `default:*` those without a colon; `*` alone is not a room pattern.
 *
 * `{user}` is replaced after the pattern was taken apart, so a user named `a:b` or `x:*` can't widen it.
 */
export function grantsRoom(patterns: readonly string[] | undefined, room: Room, user: UserName): boolean {
  if (patterns === undefined) return false
  for (const pattern of patterns) {
    const colon = pattern.indexOf(':')
    const namespace = colon === -1 ? DEFAULT_NAMESPACE : pattern.slice(0, colon)
    const local = colon === -1 ? pattern : pattern.slice(colon + 1)
    if (namespace !== room.namespace) continue
    if (local === '*' && colon !== -1) return true
    if (local.replaceAll('{user}', () => user) === room.local) return true
  }
  return false
}

/**
 * Whether one of the room patterns (`join`) grants all rooms of a namespace: `ns:*` itself and nothing less. No name that is put in for
 * `{user}` can make one of another pattern.
 */
export function grantsAllRooms(patterns: readonly string[] | undefined, namespace: string): boolean {
  return patterns?.includes(`${namespace}:*`) ?? false
}

/**
 * The rooms of the grant `rooms`: each pattern names one, with `{user}` put in after it was taken apart. What is no room's name, a
 * wildcard among them, is left out.
 */
export function grantedRooms(patterns: readonly string[] | undefined, user: UserName, nameBytesMax: number): Room[] {
  const rooms = new Map<string, Room>()
  for (const pattern of patterns ?? []) {
    const colon = pattern.indexOf(':')
    const namespace = colon === -1 ? DEFAULT_NAMESPACE : pattern.slice(0, colon)
    const local = (colon === -1 ? pattern : pattern.slice(colon + 1)).replaceAll('{user}', () => user)
    const room = parseRoom(`${namespace}:${local}`, nameBytesMax)
    if (room !== null) rooms.set(room.name, room)
  }
  return [...rooms.values()]
}

/** Whether one of the user patterns (`send`) or method patterns (`call`) fits the name: exact, `*`, or with `{user}`. */
export function grantsName(patterns: readonly string[] | undefined, name: string, user: UserName): boolean {
  if (patterns === undefined) return false
  return patterns.some((pattern) => pattern === '*' || pattern.replaceAll('{user}', () => user) === name)
}
