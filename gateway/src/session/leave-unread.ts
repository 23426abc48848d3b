// The end of a socket whose peer is told its close code and not listened to any more: not even reading and throwing away, which costs as
// much as whoever sends without end likes. The peer's own close is not seen either, so the socket is ended by force.
import type { Peer } from './connection.ts'

const CLOSE_UNREAD_MS = 500

/**
 * Stops reading, and ends the socket soon after. Its close was sent before.
 *
 * @param waitMs - time for the close frame to reach the peer. Default 500
 */
export function leaveUnread(peer: Pick<Peer, 'pause' | 'terminate'>, waitMs: number = CLOSE_UNREAD_MS): void {
  peer.pause()
  setTimeout(() => peer.terminate(), waitMs).unref()
}
