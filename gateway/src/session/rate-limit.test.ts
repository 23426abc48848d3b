import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BucketRate, createBucket, type Refusals, refusedTooOften, take } from './rate-limit.ts'

const RATE: BucketRate = { perSecond: 10, burst: 5 }

describe('a bucket', () => {
  test('gives its burst at once, and then says how long to wait', () => {
    const bucket = createBucket(RATE, 0)
    expect(Array.from({ length: 6 }, () => take(bucket, RATE, 0))).toEqual([0, 0, 0, 0, 0, 100])
  })

  test.each([
    [50, 50],
    [100, 0],
    [150, 0],
  ])('that is empty has after %i ms a token in %i ms', (elapsed, waitMs) => {
    const bucket = createBucket(RATE, 0)
    for (let at = 0; at < 5; at++) take(bucket, RATE, 0)
    expect(take(bucket, RATE, elapsed)).toBe(waitMs)
  })

  test('is not emptied further by who is refused', () => {
    const bucket = createBucket(RATE, 0)
    for (let at = 0; at < 50; at++) take(bucket, RATE, 0)
    expect(take(bucket, RATE, 100)).toBe(0)
    expect(take(bucket, RATE, 100)).toBe(100)
  })

  test('never holds more than its burst, however long nobody took', () => {
    const bucket = createBucket(RATE, 0)
    const taken = Array.from({ length: 6 }, () => take(bucket, RATE, 3_600_000))
    expect(taken).toEqual([0, 0, 0, 0, 0, 100])
  })

  test('gives no more than its burst and its pace over any course, and what it promises', () => {
    const steps = fc.array(fc.nat(400), { minLength: 1, maxLength: 100, size: 'max' })
    fc.assert(
      fc.property(steps, (pauses) => {
        const bucket = createBucket(RATE, 0)
        let [now, given] = [0, 0]
        for (const pause of pauses) {
          now += pause
          const waitMs = take(bucket, RATE, now)
          if (waitMs > 0) {
            // One more for what floating point loses.
            now += waitMs + 1
            expect(take(bucket, RATE, now)).toBe(0)
          }
          given++
          expect(given).toBeLessThanOrEqual(RATE.burst + (now / 1000) * RATE.perSecond + 1e-6)
        }
      }),
    )
  })
})

describe('refusals', () => {
  const limit = { max: 3, windowMs: 1000 }
  const count = (refusals: Refusals, times: readonly number[]): boolean[] =>
    times.map((now) => refusedTooOften(refusals, now, limit))

  test('are too many at the last one that is allowed within the window', () => {
    expect(count({ count: 0, since: 0 }, [0, 500, 1000])).toEqual([false, false, true])
  })

  test('are counted anew when the window is over', () => {
    expect(count({ count: 0, since: 0 }, [0, 500, 1001, 1002, 1003])).toEqual([false, false, false, false, true])
  })

  test('are counted from the first one, not from the start of the connection', () => {
    expect(count({ count: 0, since: 0 }, [900, 1000, 1100])).toEqual([false, false, true])
  })
})
