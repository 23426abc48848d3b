import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Bucket, fullBucket, rateOf, takeOne } from './publish-rate.ts'

const rate = rateOf({ publishesPerSecond: 50, publishBurst: 100 })

test('a burst passes at once, and then it goes on at the gateway’s pace, a little below both', () => {
  let bucket: Bucket = fullBucket(rate, 0)
  for (let sent = 0; sent < 90; sent++) bucket = takeOne(bucket, rate, 0) as Bucket
  expect(takeOne(bucket, rate, 0)).toBe(23)
  expect(takeOne(bucket, rate, 23)).not.toBeTypeOf('number')
})

test('a gateway that tells no limits is not paced', () => {
  const free = rateOf({})
  let bucket: Bucket = fullBucket(free, 0)
  for (let sent = 0; sent < 10_000; sent++) bucket = takeOne(bucket, free, 0) as Bucket
  expect(bucket).not.toBeTypeOf('number')
})

test('a gateway’s own bucket never runs empty, whenever the client sends', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(200), { maxLength: 400 }), (pauses) => {
      let bucket: Bucket = fullBucket(rate, 0)
      let nowMs = 0
      let [theirs, theirsAtMs] = [100, 0]
      for (const pause of pauses) {
        nowMs += pause
        const taken = takeOne(bucket, rate, nowMs)
        if (typeof taken === 'number') continue
        bucket = taken
        theirs = Math.min(100, theirs + ((nowMs - theirsAtMs) / 1000) * 50) - 1
        theirsAtMs = nowMs
        expect(theirs).toBeGreaterThanOrEqual(0)
      }
    }),
  )
})
