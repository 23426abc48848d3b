import { describe, expect, test } from 'vitest'
import { type FrameVerdict, isLive, judgeFrame, type Phase } from './connection-state.ts'

describe('a frame that arrives', () => {
  test.each<[Phase, FrameVerdict, FrameVerdict]>([
    ['verifying', 'hold', 'hold'],
    ['waiting', 'handle', 'unauthorized'],
    ['open', 'handle', 'handle'],
    ['closing', 'ignore', 'ignore'],
    ['closed', 'ignore', 'ignore'],
  ])('while the connection is %s is judged %s if it is auth, else %s', (phase, auth, other) => {
    expect(judgeFrame(phase, true)).toBe(auth)
    expect(judgeFrame(phase, false)).toBe(other)
  })
})

test.each<[Phase, boolean]>([
  ['verifying', true],
  ['waiting', true],
  ['open', true],
  ['closing', false],
  ['closed', false],
])('a connection that is %s takes part: %s', (phase, live) => {
  expect(isLive(phase)).toBe(live)
})
