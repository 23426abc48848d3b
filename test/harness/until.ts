// Waiting for a condition, as tests never sleep. Knows nothing of what it waits for.
import { setTimeout as pause } from 'node:timers/promises'

/** How long and how often {@link until} looks. */
export interface UntilOptions {
  /** Default 5000. */
  readonly timeoutMs?: number
  /** Default 20. */
  readonly everyMs?: number
  /** What is waited for, for the error's message. */
  readonly what?: string
}

/**
 * Asks until the answer is something.
 *
 * @param probe - null, undefined and false mean not yet; an exception is not yet too, and is told if time runs out
 * @returns the first answer
 * @throws Error when the time is over
 */
export async function until<answer>(
  probe: () => answer | Promise<answer>,
  { timeoutMs = 5000, everyMs = 20, what = 'the condition' }: UntilOptions = {},
): Promise<Exclude<answer, null | undefined | false>> {
  const endsAt = performance.now() + timeoutMs
  let cause: unknown
  for (;;) {
    try {
      const answer = await probe()
      if (answer !== null && answer !== undefined && answer !== false) {
        return answer as Exclude<answer, null | undefined | false>
      }
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (performance.now() > endsAt) throw new Error(`${what} did not come within ${timeoutMs} ms`, { cause })
    await pause(everyMs)
  }
}

/** Bounds a wait for something that comes by itself. */
export async function within<result>(timeoutMs: number, what: string, promise: Promise<result>): Promise<result> {
  const cancel = new AbortController()
  const late = pause(timeoutMs, undefined, { signal: cancel.signal }).then(() => {
    throw new Error(`${what} did not come within ${timeoutMs} ms`)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    cancel.abort()
    late.catch(() => undefined)
  }
}
