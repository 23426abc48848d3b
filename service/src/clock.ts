// The services' only source of time. Decisions take a `Clock` so that tests can turn it by hand; nothing else in them calls
// Date.now() or performance.now() to decide anything.

/** Two readings of time: the wall (for token times and logs) and a monotonic one (for durations and deadlines). */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch; may jump when the host's clock is corrected. */
  now(): number
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonicMs(): number
}

/** The clock of the running process. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
}
