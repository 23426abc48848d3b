// The graceful end of all sockets: closes with 1012, spread evenly over a window, so that the clients do not all come to the
// other gateways at once. Owns the pace; who closes and what else ends is the composition root's.
import type { CloseCode } from '@sluice/proto'

/** See {@link drainConnections}. */
export interface DrainOptions<connection> {
  /** Those to close, in the order in which they are. */
  readonly connections: readonly connection[]
  readonly close: (connection: connection, code: CloseCode, reason: string) => void
  /** Over which the closes are spread, in milliseconds. */
  readonly windowMs: number
  readonly nowMs: () => number
  /** Sockets that are still there, these and others. */
  readonly remaining: () => number
}

const STEP_MS = 50

/** What the end of a drain takes at most, beside the waiting for those who linger: `presence.lingerMs` leaves it in the margin. */
export const DRAIN_REST_MS = 4000

/**
 * How many of all sockets are to be closed at a time.
 *
 * @returns at least one from the start on, all of them when the window is over
 */
export function closedBy(elapsedMs: number, total: number, windowMs: number): number {
  if (elapsedMs >= windowMs) return total
  return Math.min(total, Math.floor((elapsedMs / windowMs) * total) + 1)
}

/** Resolves when no socket is left. It sets no deadline of its own: a socket's close does, and the process has a last one. */
export function drainConnections<connection>(options: DrainOptions<connection>): Promise<void> {
  const { connections, close, windowMs, nowMs, remaining } = options
  const startedAt = nowMs()
  let closed = 0
  return new Promise((resolve) => {
    const timer = setInterval(step, STEP_MS)
    function step(): void {
      const due = closedBy(nowMs() - startedAt, connections.length, windowMs)
      for (; closed < due; closed++) close(connections[closed] as connection, 1012, 'service restart')
      if (closed < connections.length || remaining() > 0) return
      clearInterval(timer)
      resolve()
    }
    step()
  })
}
