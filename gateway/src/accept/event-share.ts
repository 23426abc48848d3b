// How much of one socket is told in a turn of the event loop. One read brings thousands of small frames, which ws would tell all at once: others
// would wait meanwhile. Above its share a socket's events come one in a turn, until the next turn gives it a new one. Step 1 of the message path.
import type { WebSocket } from 'ws'

/**
 * As many as are handled of one connection in a turn: more would only wait in its backlog. Fewer, while many send at once, would make turns
 * short and dear, as what comes together is also written to NATS together: an inbound publish then took half as much again.
 */
const EVENTS_PER_TURN_MAX = 8
/** A socket whose events are counted. */
export interface SharingSocket extends WebSocket {
  /** What this turn has brought. */
  eventsInTurn: number
}

/** Counts events of sockets. */
export interface EventShare {
  /** Called once for a new socket. Throws where ws has no such switch any more. */
  begin(peer: SharingSocket): void
  /** A message, a ping or a pong has come. */
  count(peer: SharingSocket): void
}

/** Makes the shares of a gateway. */
export function createEventShare(): EventShare {
  let told: SharingSocket[] = []

  function end(): void {
    for (const peer of told) {
      peer.eventsInTurn = 0
      receiverOf(peer)._allowSynchronousEvents = true
    }
    told = []
  }

  return {
    begin(peer) {
      if (receiverOf(peer)?._allowSynchronousEvents !== true)
        throw new Error('this release of ws keeps its option allowSynchronousEvents elsewhere')
    },
    count(peer) {
      if (peer.eventsInTurn === 0) {
        // Before ws defers an event of this turn, so that those have a new share when they come.
        if (told.length === 0) setImmediate(end)
        told.push(peer)
      }
      peer.eventsInTurn++
      if (peer.eventsInTurn >= EVENTS_PER_TURN_MAX) receiverOf(peer)._allowSynchronousEvents = false
    },
  }
}

/**
 * Where ws keeps its option `allowSynchronousEvents`, which it looks at anew for each event. Set for the life of a socket it would cost each
 * ordinary message a turn.
 */
function receiverOf(peer: WebSocket): { _allowSynchronousEvents: boolean } {
  return (peer as unknown as { _receiver: { _allowSynchronousEvents: boolean } })._receiver
}
