// Waits until a process answers 200 on its readiness address. It asks and listens; it decides nothing.
import { setTimeout as pause } from 'node:timers/promises'

/** How readiness is awaited. */
export interface ReadinessOptions {
  readonly url: string
  /** Told why it is not ready, once for each new reason and only after `patienceMs`: starting takes a moment. */
  readonly onWait: (reason: string) => void
  /** Default 5000. */
  readonly patienceMs?: number
  readonly signal: AbortSignal
}

const POLL_MS = 100
const ANSWER_MS = 2_000
const REASON_CHARS_MAX = 500

/**
 * Resolves when the address answers 200, however long that takes.
 *
 * @throws the signal's reason when it is aborted
 */
export async function untilReady({ url, onWait, patienceMs = 5_000, signal }: ReadinessOptions): Promise<void> {
  const start = performance.now()
  let told: string | null = null
  for (;;) {
    const reason = await unreadiness(url, signal)
    if (reason === null) return
    if (reason !== told && performance.now() - start > patienceMs) {
      told = reason
      onWait(reason)
    }
    await pause(POLL_MS, undefined, { signal })
  }
}

/** Why it is not ready; null if it is. */
async function unreadiness(url: string, signal: AbortSignal): Promise<string | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]) })
    const body = (await response.text()).trim().slice(0, REASON_CHARS_MAX)
    return response.status === 200 ? null : `${response.status} ${body}`
  } catch (error) {
    signal.throwIfAborted()
    return error instanceof Error && error.name === 'TimeoutError' ? 'no answer' : 'nothing listens there yet'
  }
}
