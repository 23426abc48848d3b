// Takes a connection out of a room at once, as its right to be there has ended, and tells it so.
import { type ErrorCode, REASON_CHARS_MAX, type Room } from '@sluice/proto'
import type { Connection } from './connection.ts'
import { type ExitOptions, exitRoom } from './membership.ts'
import type { Wire } from './wire.ts'

/**
 * Takes it out, and tells it by `removed`.
 *
 * @returns false if it was not in the room
 */
export function expel(
  connection: Connection,
  room: Room,
  { code, message }: { readonly code: ErrorCode; readonly message: string },
  { wire, ...options }: ExitOptions & { readonly wire: Pick<Wire, 'send'> },
): boolean {
  if (!exitRoom(connection, room, options)) return false
  wire.send(connection, { type: 'removed', room: room.name, code, reason: message.slice(0, REASON_CHARS_MAX) })
  return true
}
