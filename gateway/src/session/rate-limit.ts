// Token buckets and the count of refusals, as pure steps on plain numbers: a connection keeps the numbers, the caller the time.

/** A bucket's state, kept flat on the connection. */
export interface Bucket {
  tokens: number
  /** Monotonic milliseconds of the last refill. */
  filledAt: number
}

/** A bucket's size and pace. */
export interface BucketRate {
  readonly perSecond: number
  readonly burst: number
}

/** A full bucket. */
export function createBucket(rate: BucketRate, nowMs: number): Bucket {
  return { tokens: rate.burst, filledAt: nowMs }
}

/**
 * Takes one token.
 *
 * @returns 0 if there was one, else the milliseconds until there will be
 */
export function take(bucket: Bucket, rate: BucketRate, nowMs: number): number {
  const filled = bucket.tokens + ((nowMs - bucket.filledAt) / 1000) * rate.perSecond
  bucket.tokens = Math.min(filled, rate.burst)
  bucket.filledAt = nowMs
  if (bucket.tokens >= 1) {
    bucket.tokens--
    return 0
  }
  return Math.ceil(((1 - bucket.tokens) / rate.perSecond) * 1000)
}

/** Refusals within a window that begins with the first of them. */
export interface Refusals {
  count: number
  since: number
}

/**
 * Counts a refusal.
 *
 * @returns whether there have been too many within the window
 */
export function refusedTooOften(
  refusals: Refusals,
  nowMs: number,
  limit: { readonly max: number; readonly windowMs: number },
): boolean {
  if (refusals.count === 0 || nowMs - refusals.since > limit.windowMs) {
    refusals.count = 0
    refusals.since = nowMs
  }
  refusals.count++
  return refusals.count >= limit.max
}
