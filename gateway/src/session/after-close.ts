// Frames that come after the gateway has begun to close a socket. They are dropped, but each is parsed first, as one of them is the peer's
// own close; so who sends on and on is ended by force.
import type { Connection } from './connection.ts'
import { isLive } from './connection-state.ts'

/**
 * Above what a peer may have under way that is only careless, such as ten thousand joins at once: ended by force it would not learn why it
 * was closed. Parsing as many takes some ten milliseconds; a flooder sends them in as little.
 */
const FRAMES_AFTER_CLOSE_MAX = 16_384

/** Whether the frame is one of those, and nothing more is to be done with it. */
export function isAfterClose(connection: Pick<Connection, 'phase' | 'framesAfterClose' | 'peer'>): boolean {
  if (isLive(connection.phase)) return false
  connection.framesAfterClose++
  if (connection.framesAfterClose === FRAMES_AFTER_CLOSE_MAX) connection.peer.terminate()
  return true
}
