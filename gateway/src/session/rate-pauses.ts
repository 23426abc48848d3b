// Users whose connection was closed for its rate (4029) wait some seconds before another of theirs is let in: who came back at once would
// have full buckets each time. Their connections that are open stay. Bounded in users; who was first is forgotten first. Pure; the time is
// passed in.

/** How long a user waits, in milliseconds: about what a bucket of the default size takes to fill. */
export const RATE_PAUSE_MS = 3000
/** Users remembered: some hundred bytes each. */
const USERS_MAX = 10_000

/** Who has to wait. */
export interface RatePauses {
  /** A connection of the user was closed for its rate. */
  begin(user: string, nowMs: number): void
  /** Whether the user has to wait still. */
  holds(user: string, nowMs: number): boolean
}

/** Makes the memory of a gateway. */
export function createRatePauses(): RatePauses {
  const endsAt = new Map<string, number>()
  return {
    begin(user, nowMs) {
      // Set again to stand last: a Map keeps the order of insertion.
      if (!endsAt.delete(user) && endsAt.size >= USERS_MAX) endsAt.delete(endsAt.keys().next().value as string)
      endsAt.set(user, nowMs + RATE_PAUSE_MS)
    },
    holds(user, nowMs) {
      const until = endsAt.get(user)
      if (until === undefined) return false
      if (nowMs < until) return true
      endsAt.delete(user)
      return false
    },
  }
}
