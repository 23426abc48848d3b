// Confirmation: a ping that NATS has answered proves that it took all that was written before. One ping serves every request
// of an event-loop turn, so the cost does not grow with the number of joins and publishes.

/** What the confirmer needs of a connection. */
export interface Pinger {
  /** Writes a ping after everything written so far; resolves with its pong, rejects when the connection breaks first. */
  flush(): Promise<void>
}

/** Answers whether NATS has taken all that was written before the call. */
export type Confirm = () => Promise<boolean>

/**
 * @param pinger - the connection that subscriptions and publishes are written to
 * @param waitMs - how long a pong may take: a half-open link says nothing for many seconds, and a request must be answered
 * @returns false where the link broke or stayed silent: the writes may or may not have arrived
 */
export function createConfirm(pinger: Pinger, waitMs: number): Confirm {
  let turn: Promise<boolean> | null = null
  return () => {
    turn ??= new Promise((resolve) => {
      setImmediate(() => {
        turn = null
        const timer = setTimeout(() => resolve(false), waitMs)
        pinger
          .flush()
          .then(
            // A refusal that came with the pong reaches its listener some microtasks later: it must be known first.
            () => setImmediate(resolve, true),
            () => resolve(false),
          )
          .finally(() => clearTimeout(timer))
      })
    })
    return turn
  }
}
