// The limit of connections for each user over the whole cluster. Whoever decides sees the same sessions and chooses the same ones.
import type { Instance } from './keys.ts'
import { compareSessions, type UserSession } from './users-view.ts'

/**
 * The sessions of one user that are over the limit, to be closed with 4030.
 *
 * Those of draining gateways do not count and are not chosen: their clients are on the move, and are here twice for a moment.
 *
 * @param sessions - in any order
 * @param connectionsMax - that a user may have
 * @param close - which to close: those that came first, or those that came last
 * @param draining - instances that are draining: {@link Liveness.draining}
 */
export function overLimit(
  sessions: readonly UserSession[],
  connectionsMax: number,
  close: 'oldest' | 'newest',
  draining: ReadonlySet<Instance>,
): UserSession[] {
  const counted = sessions.filter(({ instance }) => !draining.has(instance)).sort(compareSessions)
  const over = counted.length - connectionsMax
  if (over <= 0) return []
  return close === 'oldest' ? counted.slice(0, over) : counted.slice(-over)
}
