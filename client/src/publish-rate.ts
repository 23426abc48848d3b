// Keeps what the client sends within the gateway's bucket of publish, send and call [P-5.6], so that a burst waits here in order
// and is not refused there out of order. Pure.
import { countOf, type Frame } from './server-frame.ts'

/** Kept back, as the gateway counts by when frames arrive, and the way may bunch them. */
const SHARE = 0.9
/** More than any client sends. */
const UNLIMITED = 1e9

/** A bucket that drains by what is sent. */
export interface Bucket {
  readonly tokens: number
  readonly atMs: number
}

/** What the bucket holds and gains. */
export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

/** The rate that `welcome.limits` tells; without limits where it tells none. */
export function rateOf(limits: Frame): Rate {
  const perSecond = countOf(limits, 'publishesPerSecond')
  const burst = countOf(limits, 'publishBurst')
  if (!perSecond || !burst) return { burst: UNLIMITED, perSecond: UNLIMITED }
  return { burst: Math.max(1, burst * SHARE), perSecond: perSecond * SHARE }
}

/** A full bucket. */
export function fullBucket({ burst }: Rate, nowMs: number): Bucket {
  return { tokens: burst, atMs: nowMs }
}

/** Takes one; a number is how long to wait for it, in milliseconds. */
export function takeOne({ tokens, atMs }: Bucket, { burst, perSecond }: Rate, nowMs: number): Bucket | number {
  const filled = Math.min(burst, tokens + ((nowMs - atMs) / 1000) * perSecond)
  return filled >= 1 ? { tokens: filled - 1, atMs: nowMs } : Math.ceil(((1 - filled) / perSecond) * 1000)
}
