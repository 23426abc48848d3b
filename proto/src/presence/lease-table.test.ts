import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLeaseTable, LEASE_RENEW_MS, LEASE_TIMES, type LeaseTable } from './lease-table.ts'

const { deadAfterMs, blindAfterMs, forgetAfterMs } = LEASE_TIMES

/** Our own renewals come back every 2 s from `fromMs` to `toMs`, at once after they were sent. */
function returnOwn(table: LeaseTable<string>, fromMs: number, toMs: number): void {
  for (let at = fromMs; at <= toMs; at += LEASE_RENEW_MS) table.ownReturned(at, at)
}

function silentKeys(table: LeaseTable<string>): string[] {
  return [...table.leases].filter(({ silent }) => silent).map(({ key }) => key)
}

describe('a lease', () => {
  test('is silent only once a renewal of our own that was sent after its time has come back', () => {
    const table = createLeaseTable<string>()
    table.renewed('gateway.a', 'a', 1, 0)
    returnOwn(table, 0, 8000)
    expect(table.ownReturned(deadAfterMs, deadAfterMs + 500)).toBe(false)
    expect(table.ownReturned(deadAfterMs + 1, deadAfterMs + 501)).toBe(true)
    expect(table.get('gateway.a')).toMatchObject({ silent: true, value: 'a', revision: 1 })
  })

  test('that was judged is told of once, and kept until it is renewed or gone', () => {
    const table = createLeaseTable<string>()
    table.renewed('gateway.a', 'a', 1, 0)
    returnOwn(table, 0, 12_000)
    expect(table.ownReturned(14_000, 14_000)).toBe(false)
    expect(silentKeys(table)).toEqual(['gateway.a'])
    expect(table.renewed('gateway.a', 'a', 2, 14_100)).toBe(true)
    expect(silentKeys(table)).toEqual([])
  })

  test('that was judged stays silent through a blind period', () => {
    const table = createLeaseTable<string>()
    table.renewed('gateway.a', 'a', 1, 0)
    returnOwn(table, 0, 12_000)
    table.ownReturned(40_000, 40_000)
    expect(silentKeys(table)).toEqual(['gateway.a'])
  })

  test('is not renewed by an older message, nor by the same again', () => {
    const table = createLeaseTable<string>()
    table.renewed('gateway.a', 'new', 5, 0)
    expect(table.renewed('gateway.a', 'old', 4, 9000)).toBe(false)
    expect(table.renewed('gateway.a', 'new', 5, 9000)).toBe(false)
    expect(table.get('gateway.a')?.value).toBe('new')
    returnOwn(table, 0, 12_000)
    expect(silentKeys(table)).toEqual(['gateway.a'])
  })

  test('that is gone does not come back by a late message', () => {
    const table = createLeaseTable<string>()
    table.renewed('gateway.a', 'a', 5, 0)
    expect(table.gone('gateway.a', 6)).toBe(true)
    expect(table.renewed('gateway.a', 'a', 5, 0)).toBe(false)
    expect(table.get('gateway.a')).toBeUndefined()
    expect(table.isGone('gateway.a')).toBe(true)
    // A second, older deletion does not open the door to what stands between the two.
    expect(table.gone('gateway.a', 3)).toBe(false)
    expect(table.renewed('gateway.a', 'a', 4, 0)).toBe(false)
  })

  test('that was deleted before it was heard of is gone, too', () => {
    const table = createLeaseTable<string>()
    table.gone('gateway.a', 6)
    expect(table.renewed('gateway.a', 'a', 5, 0)).toBe(false)
  })

  test('is not deleted by a deletion that is older than its renewal', () => {
    const table = createLeaseTable<string>()
    table.renewed('gateway.a', 'a', 5, 0)
    expect(table.gone('gateway.a', 4)).toBe(false)
    expect(table.get('gateway.a')?.revision).toBe(5)
  })

  test('that nobody cleans up is forgotten after the age limit of its bucket', () => {
    const table = createLeaseTable<string>()
    table.renewed('gateway.a', 'a', 5, 0)
    returnOwn(table, 0, forgetAfterMs)
    expect(table.ownReturned(forgetAfterMs + 1, forgetAfterMs + 1)).toBe(true)
    expect([...table.leases]).toEqual([])
    expect(table.renewed('gateway.a', 'a', 5, forgetAfterMs + 2)).toBe(false)
  })
})

describe('after a blind period', () => {
  test('every lease gets its full time again', () => {
    const table = createLeaseTable<string>()
    table.renewed('gateway.a', 'a', 1, 0)
    table.ownReturned(0, 0)
    const wokeMs = blindAfterMs + 20_000
    expect(table.ownReturned(wokeMs, wokeMs)).toBe(false)
    returnOwn(table, wokeMs + 2000, wokeMs + deadAfterMs)
    expect(silentKeys(table)).toEqual([])
    table.ownReturned(wokeMs + deadAfterMs + 1, wokeMs + deadAfterMs + 1)
    expect(silentKeys(table)).toEqual(['gateway.a'])
  })

  test('before the first return, too: it counts from the first lease that was seen', () => {
    const table = createLeaseTable<string>()
    table.renewed('gateway.a', 'a', 1, 0)
    expect(table.ownReturned(11_000, 11_000)).toBe(false)
    expect(silentKeys(table)).toEqual([])
  })
})

describe('in a bucket that was created again', () => {
  test('the living renew with low revisions, and nobody is missed meanwhile', () => {
    const table = createLeaseTable<string>()
    table.renewed('gateway.a', 'a', 900, 0)
    table.renewed('gateway.b', 'b', 901, 0)
    table.gone('gateway.c', 902)
    table.startOver(5000)
    expect([...table.leases].map(({ key }) => key)).toEqual(['gateway.a', 'gateway.b'])
    expect(table.renewed('gateway.a', 'a', 1, 6000)).toBe(true)
    expect(table.renewed('gateway.c', 'c', 2, 6000)).toBe(true)
    returnOwn(table, 6000, 14_000)
    expect(silentKeys(table)).toEqual([])
    table.ownReturned(15_001, 15_001)
    expect(silentKeys(table)).toEqual(['gateway.b'])
  })
})

/** What stands in the stream, in its order: renewals of ours with the time of sending, and of the other. */
interface Committed {
  readonly atMs: number
  readonly sentMs: number | null
}

const LATENCY_MS = 5

/**
 * Lives through the other's renewals as an observer whose event loop turns at the given times: timers run first, then it reads at most
 * `readMax` of the messages that have arrived. Nothing is stored during an outage; a renewal is then tried again after 2 s.
 *
 * @returns when the other was judged; null if it never was
 */
function observe(
  turnsMs: readonly number[],
  renewalsMs: readonly number[],
  readMax: number,
  outage: readonly [number, number] | null = null,
): number | null {
  const table = createLeaseTable<string>()
  const unread: Committed[] = renewalsMs.map((atMs) => ({ atMs, sentMs: null }))
  let dueMs = 0
  let revision = 0
  for (const nowMs of turnsMs) {
    if (nowMs >= dueMs) {
      dueMs = nowMs + LEASE_RENEW_MS
      const stored = outage === null || nowMs < outage[0] || nowMs > outage[1]
      if (stored) unread.push({ atMs: nowMs + LATENCY_MS, sentMs: nowMs })
      unread.sort((a, b) => a.atMs - b.atMs)
    }
    for (let read = 0; read < readMax && (unread[0]?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs; read++) {
      const sentMs = unread.shift()?.sentMs ?? null
      revision++
      if (sentMs === null) table.renewed('gateway.other', '', revision, nowMs)
      else table.ownReturned(sentMs, nowMs)
    }
    if (table.get('gateway.other')?.silent) return nowMs
  }
  return null
}

function sums(steps: readonly number[], beginMs = 0): number[] {
  let at = beginMs
  return steps.map((step) => {
    at += step
    return at
  })
}

/** Turns of an event loop: most are short, some just short of what counts as blind, some last up to half a minute. */
const stalled = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: 1, max: 400 }) },
    { weight: 10, arbitrary: fc.integer({ min: 400, max: 3500 }) },
    { weight: 1, arbitrary: fc.integer({ min: 3500, max: 30_000 }) },
  ),
  { minLength: 100, maxLength: 400 },
)

describe('whatever stalls the observer,', () => {
  test('one that is renewed within its time is never judged', () => {
    const gap = fc.oneof(
      fc.integer({ min: 1, max: deadAfterMs }),
      fc.integer({ min: deadAfterMs - 50, max: deadAfterMs }),
    )
    const gaps = fc.array(gap, { minLength: 400, maxLength: 400 })
    fc.assert(
      fc.property(stalled, gaps, fc.integer({ min: 1, max: 20 }), (turns, gaps, readMax) => {
        expect(observe(sums(turns), sums(gaps), readMax)).toBeNull()
      }),
      { numRuns: 200 },
    )
  })

  test('NATS may be away for any time', () => {
    const outage = fc.tuple(fc.integer({ min: 5000, max: 20_000 }), fc.integer({ min: 1, max: 60_000 }))
    fc.assert(
      fc.property(stalled, outage, fc.integer({ min: 0, max: 1999 }), (turns, [beginMs, lengthMs], phase) => {
        const endMs = beginMs + lengthMs
        const renewals = sums(Array.from({ length: 500 }, () => LEASE_RENEW_MS)).map((at) => at + phase)
        const stored = renewals.filter((at) => at < beginMs || at > endMs)
        expect(observe(sums(turns), stored, 100, [beginMs, endMs])).toBeNull()
      }),
    )
  })

  test('one that fell silent is judged within 12.5 s where our own renewals return regularly', () => {
    const turn = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 500, maxLength: 500 })
    fc.assert(
      fc.property(turn, fc.integer({ min: 1, max: 10 }), (turns, renewals) => {
        const renewalsMs = sums(Array.from({ length: renewals }, () => LEASE_RENEW_MS))
        const lastMs = renewalsMs.at(-1) ?? 0
        const turnsMs = sums(turns).filter((at) => at < lastMs + 20_000)
        fc.pre((turnsMs.at(-1) ?? 0) > lastMs + 14_000)
        const judgedMs = observe(turnsMs, renewalsMs, 100)
        // Two turns of at most 400 ms pass before the last renewal is seen and before ours is due and comes back.
        expect(judgedMs).not.toBeNull()
        expect(judgedMs).toBeLessThanOrEqual(lastMs + 12_000 + 3 * 400)
      }),
    )
    const steady = Array.from({ length: 1000 }, (_, at) => at * 20)
    expect(observe(steady, [1990], 100)).toBeLessThanOrEqual(1990 + 12_500)
  })
})
