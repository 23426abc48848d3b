import { CLOSE_CODES } from '@sluice/proto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Backoff,
  begin,
  closed,
  type End,
  ended,
  type Life,
  type Living,
  opened,
  retried,
  windowMs,
} from './connection-state.ts'

const backoff: Backoff = { minMs: 1000, maxMs: 30_000, stableMs: 10_000 }
const lost: End = { code: 1006, reason: '' }

function after(life: Living, end: End, { nowMs = 0, chance = 0.5 } = {}): Life {
  return ended(life, end, { nowMs, random: () => chance, backoff })
}

function waiting(life: Life): Extract<Life, { phase: 'waiting' }> {
  if (life.phase !== 'waiting') throw new Error(`it is ${life.phase}`)
  return life
}

/** A numerical recipe, so that a failure can be repeated. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

describe('case 32: reconnect times', () => {
  test('are spread evenly over the window, with no pulses', () => {
    const random = seeded(7)
    const clients = 10_000
    const tenths = new Array<number>(10).fill(0)
    for (let client = 0; client < clients; client++) {
      const { waitMs } = waiting(ended(opened(begin(), 0), lost, { nowMs: 60_000, random, backoff }))
      tenths[Math.floor(waitMs / 100)]!++
    }
    for (const count of tenths) expect(Math.abs(count - clients / 10)).toBeLessThan(150)
  })

  test('are spread evenly also where the gateway restarts and all come at once', () => {
    const random = seeded(11)
    const waits = Array.from(
      { length: 2000 },
      () => waiting(ended(opened(begin(), 0), { code: 1012, reason: '' }, { nowMs: 60_000, random, backoff })).waitMs,
    )
    expect(Math.max(...waits)).toBeLessThanOrEqual(500)
    for (let from = 0; from < 500; from += 50) {
      const share = waits.filter((waitMs) => waitMs >= from && waitMs < from + 50).length / waits.length
      expect(share).toBeGreaterThan(0.07)
      expect(share).toBeLessThan(0.13)
    }
  })

  test('come out of a window that doubles with each failure up to its bound', () => {
    let life: Living = begin()
    const windows: number[] = []
    for (let attempt = 0; attempt < 8; attempt++) {
      const next = waiting(after(life, lost, { chance: 1 }))
      windows.push(next.waitMs)
      life = retried(next)
    }
    expect(windows).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  })

  test('never leave the window, whatever happened before', () => {
    const codes = fc.constantFrom(null, 1000, 1001, 1006, 1011, 1012, 1013, 4002, 4008, 4009, 4029, 4499)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(codes, fc.boolean(), fc.nat(20_000), fc.double({ min: 0, max: 0.999, noNaN: true }))),
        (steps) => {
          let life: Living = begin()
          let nowMs = 0
          for (const [code, opens, openMs, chance] of steps) {
            if (opens) life = opened(life, nowMs)
            nowMs += openMs
            const failures = opens && openMs >= backoff.stableMs ? 0 : life.failures
            const next = after(life, { code, reason: '' }, { nowMs, chance })
            if (next.phase === 'closed') return
            expect(waiting(next).waitMs).toBeLessThan(windowMs(failures, backoff))
            expect(next.failures).toBe(failures + 1)
            life = retried(waiting(next))
          }
        },
      ),
    )
  })
})

describe('a connection that opens', () => {
  test('and dies at once does not make the next wait shorter', () => {
    let life: Living = begin()
    const windows: number[] = []
    for (let attempt = 0; attempt < 4; attempt++) {
      const next = waiting(after(opened(life, 0), lost, { nowMs: 9999, chance: 1 }))
      windows.push(next.waitMs)
      life = retried(next)
    }
    expect(windows).toEqual([1000, 2000, 4000, 8000])
  })

  test('and stays for the stable time makes the next failure the first', () => {
    const tired: Living = { ...begin(), failures: 5 }
    expect(waiting(after(opened(tired, 0), lost, { nowMs: 10_000, chance: 1 })).waitMs).toBe(1000)
  })

  test('and is told to restart again and again backs off like any other', () => {
    const restart = { code: 1012, reason: '' }
    const first = waiting(after(opened(begin(), 0), restart, { chance: 1 }))
    expect(first.waitMs).toBe(500)
    expect(waiting(after(opened(retried(first), 0), restart, { chance: 1 })).waitMs).toBe(2000)
  })
})

describe('close codes', () => {
  test.each(Object.entries(CLOSE_CODES).map(([code, { action }]) => [Number(code), action] as const))(
    '%d is obeyed: %s',
    (code, action) => {
      const end = { code, reason: 'why' }
      for (const life of [begin(), opened(begin(), 0)]) {
        const next = after(life, end)
        if (action === 'stop') expect(next).toEqual({ phase: 'closed', end })
        else expect(next).toMatchObject({ phase: 'waiting', end, freshToken: action === 'token' })
      }
    },
  )

  test('of a later release from 4500 to 4999 mean stop, all others back-off', () => {
    for (const code of [4500, 4999]) expect(after(begin(), { code, reason: '' }).phase).toBe('closed')
    for (const code of [1014, 3000, 4000 + 499, 4031, 5000])
      expect(after(begin(), { code, reason: '' }).phase).toBe('waiting')
  })

  test.each([
    [4001, 4001],
    [4001, 4002],
    [4002, 4001],
  ])('%d and then %d without a welcome between them mean stop', (first, second) => {
    const once = waiting(after(begin(), { code: first, reason: '' }))
    expect(after(retried(once), { code: second, reason: 'no' })).toEqual({
      phase: 'closed',
      end: { code: second, reason: 'no' },
    })
  })

  test('a failure between two refusals changes nothing, a welcome does', () => {
    const refused = { code: 4001, reason: '' }
    const once = retried(waiting(after(begin(), refused)))
    expect(after(retried(waiting(after(once, lost))), refused).phase).toBe('closed')
    expect(after(opened(once, 0), refused).phase).toBe('waiting')
  })

  test('a token that was refused is not used again, also after a failure on the way to the next', () => {
    const refused = waiting(after(begin(), { code: 4001, reason: '' }))
    expect(waiting(after(retried(refused), lost)).freshToken).toBe(true)
    expect(opened(retried(refused), 0).freshToken).toBe(false)
  })
})

test('a closed client tells why', () => {
  expect(closed('bye')).toEqual({ phase: 'closed', end: { code: 1000, reason: 'bye' } })
})
