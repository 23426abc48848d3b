// The hand-over of shards when a router stops: it answers on until the others have what it held. Decides purely from what leases
// say, asked again and again; bounded, as the others may be in trouble themselves.
import type { LiveRouter } from '../shards/ownership.ts'

/** See {@link handOver}. */
export interface HandOverOptions {
  /** Live routers. */
  readonly routers: () => readonly LiveRouter[]
  readonly nowMs: () => number
  readonly pause: (ms: number) => Promise<unknown>
  /** For which to wait at most. */
  readonly waitMs: number
}

/**
 * An `up` that others have said before they knew of us leaving tells nothing: they take it back at once when they see that they own
 * more, and it must have stood for this long.
 */
export const UP_FOR_MS = 1000
const POLL_MS = 50

/** Waits until all others that stay have everything loaded, or the time is over. Called once our own lease says `draining`. */
export async function handOver({
  routers,
  nowMs,
  pause,
  waitMs,
}: HandOverOptions): Promise<'handed over' | 'alone' | 'late'> {
  const endsAt = nowMs() + waitMs
  let upSince: number | null = null
  for (;;) {
    const staying = routers().filter(({ state }) => state === 'up' || state === 'announcing')
    if (staying.length === 0) return 'alone'
    const allUp = staying.every(({ state }) => state === 'up')
    upSince = allUp ? (upSince ?? nowMs()) : null
    if (upSince !== null && nowMs() - upSince >= UP_FOR_MS) return 'handed over'
    if (nowMs() >= endsAt) return 'late'
    await pause(POLL_MS)
  }
}
