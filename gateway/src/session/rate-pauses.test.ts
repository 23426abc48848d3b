import { describe, expect, test } from 'vitest'
import { createRatePauses, RATE_PAUSE_MS } from './rate-pauses.ts'

describe('a user whose connection was closed for its rate', () => {
  test('waits three seconds after the last such close, and nobody else does', () => {
    const pauses = createRatePauses()
    expect(pauses.holds('ann', 0)).toBe(false)
    pauses.begin('ann', 0)
    pauses.begin('ann', 1000)
    expect([pauses.holds('ann', RATE_PAUSE_MS), pauses.holds('ben', RATE_PAUSE_MS)]).toEqual([true, false])
    expect(pauses.holds('ann', 1000 + RATE_PAUSE_MS - 1)).toBe(true)
    expect(pauses.holds('ann', 1000 + RATE_PAUSE_MS)).toBe(false)
  })

  test('is one of ten thousand at most: the first is forgotten for another', () => {
    const pauses = createRatePauses()
    for (let at = 0; at < 10_000; at++) pauses.begin(`user-${at}`, 0)
    pauses.begin('user-0', 1)
    pauses.begin('one-more', 1)
    expect(['user-0', 'user-1', 'user-2', 'one-more'].map((user) => pauses.holds(user, 2))).toEqual([
      ...[true, false],
      ...[true, true],
    ])
  })
})
