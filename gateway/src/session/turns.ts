// Shares the turns of the event loop out among connections: of each only some frames are handled in a turn, or those who send without end
// would make turns so long that all others are late. What is left waits in the connection's backlog. Decides nothing about requests.
import type { Connection } from './connection.ts'

/** The part of a connection that is counted. */
export type Turned = Pick<Connection, 'framesInTurn'>

/** Counts frames by turn. */
export interface Turns<item extends Turned> {
  /** A frame of this connection is being handled. */
  count(item: item): void
  /** Whether it has had its share of this turn. */
  isSpent(item: item): boolean
}

/**
 * Counts frames of connections.
 *
 * @param framesMax - of one connection in a turn
 * @param onNext - a turn has ended in which this connection had its whole share
 */
export function createTurns<item extends Turned>(framesMax: number, onNext: (item: item) => void): Turns<item> {
  let served: item[] = []

  function end(): void {
    const turn = served
    served = []
    for (const item of turn) {
      const spent = item.framesInTurn >= framesMax
      item.framesInTurn = 0
      if (spent) onNext(item)
    }
  }

  return {
    count(item) {
      item.framesInTurn++
      if (item.framesInTurn > 1) return
      if (served.length === 0) setImmediate(end)
      served.push(item)
    },
    isSpent: (item) => item.framesInTurn >= framesMax,
  }
}
