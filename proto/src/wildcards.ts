// Wildcards: `ns:*`, all rooms of a namespace. Parsed here and nowhere else, as a room's name never has a `*`; and the way back from a
// subject that a wildcard hears to its room. Knows nothing of who may join one.
import { isWildcard, parseRoom, type Room } from './names.ts'
import { decodeToken } from './tokens.ts'

/** What stands in a wildcard for the rooms of its namespace; no room is called so. */
const ALL_ROOMS = '*'

/**
 * Parses the pattern of all rooms of a namespace, `ns:*`, into the form of a room, so that it can be held like one.
 *
 * @param nameBytesMax - bound of the whole pattern in UTF-8 bytes
 * @returns null if it is none
 */
export function parseWildcard(raw: unknown, nameBytesMax: number): Room | null {
  if (typeof raw !== 'string' || !isWildcard(raw)) return null
  const namespace = raw.slice(0, -2)
  // Bounded and checked as a name of that namespace would be.
  const like = parseRoom(`${namespace}:-`, nameBytesMax)
  return like === null ? null : { name: raw as Room['name'], namespace, local: ALL_ROOMS }
}

/** Whether a room stands for all rooms of its namespace. */
export function isAllRooms({ local }: Pick<Room, 'local'>): boolean {
  return local === ALL_ROOMS
}

/** The subject of all rooms of the namespace to which the subject of a room belongs. */
export function coveringSubject(subject: string): string {
  return `${subject.slice(0, subject.lastIndexOf('.') + 1)}${ALL_ROOMS}`
}

/**
 * The subject under a wildcard of the same room as another subject, which may be of another kind: live, stored or republished.
 *
 * @param wildcard - as {@link coveringSubject} gives it
 */
export function coveredSubject(wildcard: string, subject: string): string {
  return `${wildcard.slice(0, -ALL_ROOMS.length)}${subject.slice(subject.lastIndexOf('.') + 1)}`
}

/**
 * The room that a subject is about, by its last token.
 *
 * @param nameBytesMax - bound of the room's name in UTF-8 bytes
 * @returns null where the token stands for no room: whoever may publish there may write anything
 */
export function roomOfSubject(subject: string, namespace: string, nameBytesMax: number): Room | null {
  const local = decodeToken(subject.slice(subject.lastIndexOf('.') + 1))
  return local === null ? null : parseRoom(`${namespace}:${local}`, nameBytesMax)
}
