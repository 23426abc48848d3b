// The graceful end of all sockets: each is told to move, and closed with 1012 some time later if it is still there; both spread evenly
// over a window, so that the clients do not all come to the other gateways at once. Owns the pace; who tells, who closes and what
// else ends is the composition root's.

/** See {@link drainConnections}. */
export interface DrainOptions<connection> {
  /** Those to close, in the order in which they are. */
  readonly connections: readonly connection[]
  /** Tells it to connect elsewhere within that time, which is 0 where there is no window. Called once for each, before its close. */
  readonly move: (connection: connection, afterMs: number) => void
  readonly close: (connection: connection) => void
  /** In which all of it happens, in milliseconds. */
  readonly windowMs: number
  readonly nowMs: () => number
  /** Sockets that are still there, these and others. */
  readonly remaining: () => number
}

const STEP_MS = 50

/**
 * What the end of a drain takes at most, beside the waiting for those who linger: `presence.lingerMs` leaves it in the margin. NATS has three
 * seconds, spans have one.
 */
export const DRAIN_REST_MS = 5000

/** Of the window, what a client has to move; at most ten seconds, as one that needs longer is better closed. */
const MOVE_SHARE = 1 / 3
const MOVE_MS_MAX = 10_000

/** How long a client has to move, in milliseconds. */
export function moveMs(windowMs: number): number {
  return Math.min(MOVE_MS_MAX, Math.floor(windowMs * MOVE_SHARE))
}

/**
 * How many of all sockets are to be told, or closed, at a time.
 *
 * @returns at least one from the start on, all of them when the window is over; none before the start
 */
export function dueBy(elapsedMs: number, total: number, windowMs: number): number {
  if (elapsedMs < 0) return 0
  if (elapsedMs >= windowMs) return total
  return Math.min(total, Math.floor((elapsedMs / windowMs) * total) + 1)
}

/** Resolves when no socket is left. It sets no deadline of its own: a socket's close does, and the process has a last one. */
export function drainConnections<connection>(options: DrainOptions<connection>): Promise<void> {
  const { connections, move, close, windowMs, nowMs, remaining } = options
  const total = connections.length
  const afterMs = moveMs(windowMs)
  const spreadMs = windowMs - afterMs
  const startedAt = nowMs()
  let told = 0
  let closed = 0
  return new Promise((resolve) => {
    const timer = setInterval(step, STEP_MS)
    function step(): void {
      const elapsedMs = nowMs() - startedAt
      // Without time to move it is still told: the client then knows that the close that follows is no fault.
      const toTell = dueBy(elapsedMs, total, spreadMs)
      for (; told < toTell; told++) move(connections[told] as connection, afterMs)
      const toClose = dueBy(elapsedMs - afterMs, total, spreadMs)
      for (; closed < toClose; closed++) close(connections[closed] as connection)
      if (closed < total || remaining() > 0) return
      clearInterval(timer)
      resolve()
    }
    step()
  })
}
