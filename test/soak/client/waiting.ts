// Waits. When one of k6's timers is due and is cleared in the same moment, k6 calls the next one in its place, early (seen with 1.8.1):
// so whoever waits looks at the clock again.
import { clearTimeout, setTimeout } from 'k6/timers'

/**
 * Calls a function when the time is over, never before.
 *
 * @returns takes that back
 */
export function after(ms: number, work: () => void): () => void {
  const endsAt = Date.now() + Math.max(0, ms)
  const due = (): void => {
    const leftMs = endsAt - Date.now()
    if (leftMs <= 0) work()
    else timer = setTimeout(due, leftMs)
  }
  let timer = setTimeout(due, Math.max(0, ms))
  return () => clearTimeout(timer)
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    after(ms, resolve)
  })
}

/** Waits for an instant of this machine's clock. */
export function pauseUntil(at: number): Promise<void> {
  return pause(at - Date.now())
}
