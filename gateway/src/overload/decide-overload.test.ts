import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AT_EASE, CALM_MS, decideOverload, type Load, type OverloadState } from './decide-overload.ts'

const RULES = { eventLoopDelayMs: 500, heapPercent: 80, memoryPercent: 90 }
const WELL: Load = { eventLoopDelayMs: 5, heapPercent: 30, memoryPercent: 30 }

/** What is short after each of these looks, a second apart. */
function shortages(looks: readonly Partial<Load>[]): (string | null)[] {
  let state: OverloadState = AT_EASE
  return looks.map((look, at) => {
    state = decideOverload(state, { ...WELL, ...look }, at * 1000, RULES)
    return state.shortage
  })
}

const times = (count: number, look: Partial<Load>): Partial<Load>[] => Array.from({ length: count }, () => look)

describe('new sockets are refused', () => {
  test('for a loop that two looks in a row find late, and for no single stall', () => {
    const late = { eventLoopDelayMs: 501 }
    expect(shortages([{ eventLoopDelayMs: 60_000 }, {}, late, {}, late, late])).toEqual([
      ...[null, null, null, null, null],
      'event_loop',
    ])
    expect(shortages(times(10, { eventLoopDelayMs: 500 }))).toEqual(times(10, {}).map(() => null))
  })

  test('for memory at the first look, whatever the loop does', () => {
    expect(shortages([{ heapPercent: 80 }, { heapPercent: 81 }])).toEqual([null, 'heap'])
    expect(shortages([{ memoryPercent: 90 }, { memoryPercent: 91 }])).toEqual([null, 'memory'])
    expect(shortages(times(2, { eventLoopDelayMs: 600, heapPercent: 81, memoryPercent: 91 }))).toEqual(['heap', 'heap'])
  })

  test('until all has been well below the thresholds for five seconds', () => {
    const late = times(2, { eventLoopDelayMs: 600 })
    expect(shortages([...late, ...times(6, {})])).toEqual([null, ...times(5, {}).map(() => 'event_loop'), null, null])
    for (const uneasy of [{ eventLoopDelayMs: 251 }, { heapPercent: 77 }, { memoryPercent: 86 }]) {
      const seen = shortages([...late, ...times(4, {}), uneasy, ...times(5, {})])
      expect(seen.slice(1, -1)).toEqual(seen.slice(1, -1).map(() => 'event_loop'))
      expect(seen.at(-1)).toBeNull()
    }
  })

  test('never at 100 % and while the loop is in time', () => {
    const rules = { ...RULES, heapPercent: 100, memoryPercent: 100 }
    const percent = fc.double({ min: 0, max: 100, noNaN: true })
    fc.assert(
      fc.property(fc.array(fc.record({ heapPercent: percent, memoryPercent: percent })), (looks) => {
        let state: OverloadState = AT_EASE
        for (const look of looks) state = decideOverload(state, { ...WELL, ...look }, 0, rules)
        expect(state).toEqual(AT_EASE)
      }),
    )
  })
})

test('whatever was, sockets are taken again once all has been well for a while', () => {
  const look = fc.record({
    eventLoopDelayMs: fc.nat(2000),
    heapPercent: fc.double({ min: 0, max: 100, noNaN: true }),
    memoryPercent: fc.double({ min: 0, max: 100, noNaN: true }),
  })
  fc.assert(
    fc.property(fc.array(look), (looks) => {
      let state: OverloadState = AT_EASE
      let nowMs = 0
      for (const load of looks) {
        state = decideOverload(state, load, nowMs, RULES)
        nowMs += 1000
      }
      for (let waitedMs = 0; waitedMs <= CALM_MS; waitedMs += 1000) {
        state = decideOverload(state, WELL, nowMs + waitedMs, RULES)
      }
      expect(state.shortage).toBeNull()
    }),
  )
})
