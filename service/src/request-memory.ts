// What was done lately, by request id: a request that is heard or asked again is answered as before and done once. Bounded in number and
// in age; the caller passes the time.

/** See {@link createRequestMemory}. */
export interface RequestMemoryBounds {
  /** Ids that are kept; the oldest goes first. */
  readonly idsMax: number
  /** For how long one is known, in milliseconds. */
  readonly keepMs: number
}

/** A memory of requests. */
export interface RequestMemory<outcome> {
  /** Does it the first time that the id is seen; what came of it then. */
  once(id: string, nowMs: number, act: () => outcome): outcome
  /** It has come to nothing, and may be tried again. */
  forget(id: string): void
}

/** The server's window of message ids is as long: a retry means the same on all ways. */
export const REQUEST_MEMORY: RequestMemoryBounds = { idsMax: 20_000, keepMs: 120_000 }

/** Makes an empty memory. */
export function createRequestMemory<outcome>({ idsMax, keepMs }: RequestMemoryBounds): RequestMemory<outcome> {
  const known = new Map<string, { readonly atMs: number; readonly outcome: outcome }>()

  function forget(nowMs: number): void {
    for (const [id, { atMs }] of known) {
      if (known.size < idsMax && nowMs - atMs < keepMs) return
      known.delete(id)
    }
  }

  return {
    once(id, nowMs, act) {
      forget(nowMs)
      const before = known.get(id)
      if (before !== undefined) return before.outcome
      const outcome = act()
      known.set(id, { atMs: nowMs, outcome })
      return outcome
    },
    forget(id) {
      known.delete(id)
    },
  }
}
