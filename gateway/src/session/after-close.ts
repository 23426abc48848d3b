// Frames that come after the gateway has begun to close a socket. They are dropped, but each is parsed first, as one of them is the peer's
// own close; so who sends on and on is not read any more.
import type { Connection } from './connection.ts'
import { isLive } from './connection-state.ts'
import { leaveUnread } from './leave-unread.ts'

/** Above what a peer has under way that sends at the rates that are allowed. */
const FRAMES_AFTER_CLOSE_MAX = 256
/** A peer that is only careless, with ten thousand joins under way, is busy with those before it reads why it was closed; in milliseconds. */
const CLOSE_UNREAD_MS = 2000

/** Whether the frame is one of those, and nothing more is to be done with it. */
export function isAfterClose(connection: Pick<Connection, 'phase' | 'framesAfterClose' | 'peer'>): boolean {
  if (isLive(connection.phase)) return false
  connection.framesAfterClose++
  if (connection.framesAfterClose === FRAMES_AFTER_CLOSE_MAX) leaveUnread(connection.peer, CLOSE_UNREAD_MS)
  return true
}
