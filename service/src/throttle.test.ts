import { expect, test } from 'vitest'
import { createThrottle } from './throttle.ts'

function build(everyMs = 1000) {
  const time = { now: 0 }
  return { throttle: createThrottle(everyMs, () => time.now), time }
}

test('one of a kind is let through in a time, and says how many were held back', () => {
  const { throttle, time } = build()
  expect([throttle('a'), throttle('a'), throttle('a')]).toEqual([{ held: 0 }, null, null])
  time.now = 999
  expect(throttle('a')).toBe(null)
  time.now = 1000
  expect([throttle('a'), throttle('a')]).toEqual([{ held: 3 }, null])
  time.now = 2000
  expect(throttle('a')).toEqual({ held: 1 })
})

test('kinds do not hold each other back', () => {
  const { throttle } = build()
  expect([throttle('a'), throttle('b'), throttle('a')]).toEqual([{ held: 0 }, { held: 0 }, null])
})

test('kinds beyond the bound are not let through, so nothing grows', () => {
  const { throttle } = build()
  const through = Array.from({ length: 300 }, (_, at) => throttle(`kind ${at}`)).filter((one) => one !== null)
  expect(through).toHaveLength(256)
})
