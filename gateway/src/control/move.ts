// Asks some connections of this gateway to connect elsewhere, as a router says: those that are open, in a drain of their own.
import { drainConnections } from '../drain/drain.ts'
import { moveActs } from '../drain/move-acts.ts'
import type { Connections } from '../session/connections.ts'
import type { Wire } from '../session/wire.ts'
import type { ControlOptions } from './control.ts'

/** See {@link createMove}. */
export interface MoveOptions {
  readonly connections: Pick<Connections, 'snapshot'>
  readonly wire: Pick<Wire, 'send' | 'close'>
  readonly nowMs: () => number
}

/** Makes it. */
export function createMove({ connections, wire, nowMs }: MoveOptions): ControlOptions['move'] {
  return (wish) => {
    const chosen = connections
      .snapshot()
      .filter(({ phase }) => phase === 'open')
      .slice(0, wish.connections)
    void drainConnections({
      connections: chosen,
      ...moveActs(wire, wish.reason),
      windowMs: wish.windowMs,
      nowMs,
      remaining: () => 0,
    })
    return chosen.length
  }
}
