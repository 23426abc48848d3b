import { describe, expect, test } from 'vitest'
import { CALM_MS, createSilenceJudge, SILENT_ALONE_MS, SILENT_MAX_MS, SILENT_MS, type SilenceJudge } from './silence.ts'

const TICK_MS = 1000

/** Ticks until the server is left, and how much silence that took, in milliseconds. */
function silenceUntilLeave(judge: SilenceJudge, others: boolean): number {
  expect(judge.tick(others)).toBe('ask')
  for (let waited = TICK_MS; ; waited += TICK_MS) {
    const step = judge.tick(others)
    if (step === 'leave') return waited
    expect(step).toBe('wait')
    expect(waited).toBeLessThan(10 * SILENT_MAX_MS)
  }
}

function calmFor(judge: SilenceJudge, ms: number): void {
  for (let passed = 0; passed < ms; passed += TICK_MS) {
    expect(judge.tick(true)).toBe('ask')
    judge.heard()
  }
}

describe('a server that owes an answer', () => {
  test('is asked once, and left after its time where there is another', () => {
    expect(silenceUntilLeave(createSilenceJudge(TICK_MS), true)).toBe(SILENT_MS)
  })

  test('is given much longer where there is no other', () => {
    expect(silenceUntilLeave(createSilenceJudge(TICK_MS), false)).toBe(SILENT_ALONE_MS)
  })

  test('owes nothing once anything came, however late', () => {
    const judge = createSilenceJudge(TICK_MS)
    for (let round = 0; round < 100; round++) {
      expect(judge.tick(true)).toBe('ask')
      for (let waited = TICK_MS; waited < SILENT_MS; waited += TICK_MS) expect(judge.tick(true)).toBe('wait')
      judge.heard()
    }
  })
})

describe('servers that are silent one after the other', () => {
  test('are each given twice as long as the one before, up to a bound, so that a slow cluster is not stormed', () => {
    const judge = createSilenceJudge(TICK_MS)
    const waits = Array.from({ length: 6 }, () => silenceUntilLeave(judge, true))
    expect(waits).toEqual([4000, 8000, 16_000, SILENT_MAX_MS, SILENT_MAX_MS, SILENT_MAX_MS])
  })

  test('count no more after a minute of answers, and do before', () => {
    const judge = createSilenceJudge(TICK_MS)
    silenceUntilLeave(judge, true)
    calmFor(judge, CALM_MS / 2)
    expect(silenceUntilLeave(judge, true)).toBe(2 * SILENT_MS)
    calmFor(judge, CALM_MS)
    expect(silenceUntilLeave(judge, true)).toBe(SILENT_MS)
  })
})
