// What is different where a connection joins all rooms of a namespace, `ns:*`: its subject, who may, and what is not offered with it.
// Everything else is as for a room. Pure. Step 2 of the message path.
import {
  type ClientFrameOf,
  grantsAllRooms,
  isAllRooms,
  isWildcard,
  type NamespaceSettings,
  parseWildcard,
  type Room,
  type Subjects,
} from '@sluice/proto'
import type { Principal } from '../accept/authenticate/principal.ts'
import { type Refusal, refusal } from './answer.ts'
import { roomOf } from './targets.ts'

/** A parsed room or wildcard, for `join` and `leave`; or why there is none. */
export function roomOrAll(raw: string, nameBytesMax: number): Room | Refusal {
  if (!isWildcard(raw)) return roomOf(raw, nameBytesMax)
  return parseWildcard(raw, nameBytesMax) ?? refusal('bad_request', `room: at most ${nameBytesMax} bytes are needed`)
}

/** The subject of the live messages of a room, or of all rooms. */
export function liveSubject(subjects: Subjects, room: Room): string {
  return isAllRooms(room) ? subjects.rooms(room.namespace) : subjects.room(room)
}

/** Whether the grants say that a user may join all rooms of a namespace: only a pattern does that covers all of them. */
export function isGrantedAll({ namespace }: Room, { grants }: Principal): boolean {
  return grantsAllRooms(grants.join, namespace)
}

/** What a join of all rooms can't have; null if nothing stands in its way, or if it is one of a single room. */
export function wildcardObstacle(
  frame: ClientFrameOf<'join'>,
  room: Room,
  { wildcard }: NamespaceSettings,
): Refusal | null {
  if (!isAllRooms(room)) return null
  if (!wildcard) return refusal('not_enabled', `join: all rooms can’t be joined at once in ${room.namespace}`)
  // A view of everyone in every room has no bound; rooms that are looked at are joined, or asked about, one by one.
  if (frame.presence === true) return refusal('not_enabled', 'join: presence is of single rooms')
  // The last messages of a namespace are the last of no room.
  if (frame.history !== undefined) return refusal('not_enabled', 'join: last messages are of single rooms')
  return null
}
