import type { GatewayId, LeaseState } from '@sluice/proto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { freshPace, gainOf, type Pace, paceAfter } from './pace.ts'
import { DIFFERENCE_MIN, type GatewayLoad, planMoves } from './plan.ts'

const BOUNDS = { withinPercent: 10, connectionsMax: 1_000_000, gain: 1 }

function load(gateway: string, connections: number, state: LeaseState = 'up'): GatewayLoad {
  return { gateway: gateway as GatewayId, state, connections }
}

describe('a round', () => {
  test('takes from each gateway what it has above the mean', () => {
    const plan = planMoves([load('a', 100), load('b', 100), load('c', 0), load('d', 0)], BOUNDS)
    expect(plan).toEqual({
      excess: 100,
      moves: [
        { gateway: 'a', connections: 50 },
        { gateway: 'b', connections: 50 },
      ],
    })
  })

  test('takes from all that are above the mean where only one is far below it', () => {
    const { moves } = planMoves([load('a', 106), load('b', 106), load('c', 88)], BOUNDS)
    expect(moves).toEqual([
      { gateway: 'a', connections: 6 },
      { gateway: 'b', connections: 6 },
    ])
  })

  test('is nothing while everyone is near the mean', () => {
    expect(planMoves([load('a', 110), load('b', 90)], BOUNDS).moves).toEqual([])
    expect(planMoves([load('a', 111), load('b', 89)], BOUNDS).moves).not.toEqual([])
  })

  test('is nothing for a handful of connections, however uneven', () => {
    const few = 2 * DIFFERENCE_MIN
    expect(planMoves([load('a', few), load('b', 0)], BOUNDS).moves).toEqual([])
    expect(planMoves([load('a', few + 2), load('b', 0)], BOUNDS).moves).toEqual([{ gateway: 'a', connections: 6 }])
  })

  test('is nothing for one gateway, for none, and while one drains', () => {
    expect(planMoves([], BOUNDS).moves).toEqual([])
    expect(planMoves([load('a', 100)], BOUNDS).moves).toEqual([])
    expect(planMoves([load('a', 100), load('b', 0), load('c', 50, 'draining')], BOUNDS).moves).toEqual([])
  })

  test('leaves out a gateway that is not ready, on both sides', () => {
    expect(planMoves([load('a', 100), load('b', 0, 'announcing')], BOUNDS).moves).toEqual([])
    const { moves } = planMoves([load('a', 100), load('b', 0), load('c', 900, 'announcing')], BOUNDS)
    expect(moves).toEqual([{ gateway: 'a', connections: 50 }])
  })

  test('moves no more than its bound, in proportion', () => {
    const loads = [load('a', 400), load('b', 200), load('c', 0), load('d', 0)]
    expect(planMoves(loads, { ...BOUNDS, connectionsMax: 30 })).toEqual({
      excess: 300,
      moves: [
        { gateway: 'a', connections: 25 },
        { gateway: 'b', connections: 5 },
      ],
    })
  })

  test('moves more than the excess where many came back, but no gateway gives more than twice its own', () => {
    const loads = [load('a', 130), load('b', 120), load('c', 50)]
    expect(planMoves(loads, { ...BOUNDS, gain: 1.5 }).moves).toEqual([
      { gateway: 'a', connections: 45 },
      { gateway: 'b', connections: 30 },
    ])
  })

  test('never takes more than the bounds from anyone, and always something where it has found an excess', () => {
    const loads = fc.uniqueArray(fc.tuple(fc.string({ minLength: 1 }), fc.nat(10_000)), {
      minLength: 2,
      maxLength: 12,
      selector: ([name]) => name,
    })
    const bounds = fc.record({
      connectionsMax: fc.integer({ min: 1, max: 5000 }),
      withinPercent: fc.integer({ min: 1, max: 100 }),
      gain: fc.double({ min: 1, max: 2, noNaN: true }),
    })
    void fc.assert(
      fc.property(loads, bounds, (given, { connectionsMax, withinPercent, gain }) => {
        const all = given.map(([name, connections]) => load(name, connections))
        const mean = all.reduce((sum, { connections }) => sum + connections, 0) / all.length
        const { excess, moves } = planMoves(all, { withinPercent, connectionsMax, gain })
        const total = moves.reduce((sum, { connections }) => sum + connections, 0)
        expect(total).toBe(Math.min(Math.floor(excess * gain), connectionsMax))
        for (const { gateway, connections } of moves) {
          expect(connections).toBeGreaterThan(0)
          const above = (all.find((one) => one.gateway === gateway)?.connections ?? 0) - mean
          expect(connections).toBeLessThanOrEqual(gain === 1 ? above : 2 * above)
        }
      }),
    )
  })
})

/** Where a load balancer puts a client that connects. */
type Balancer = (counts: readonly number[], chance: () => number) => number

const BALANCERS: Readonly<Record<string, () => Balancer>> = {
  'by chance': () => (counts, chance) => Math.floor(chance() * counts.length),
  'in turn': () => {
    let turn = 0
    return (counts) => turn++ % counts.length
  },
  'to the one with the fewest': () => (counts) => counts.indexOf(Math.min(...counts)),
}

describe('rounds one after the other', () => {
  test.each(Object.entries(BALANCERS))('come to an end with a load balancer that puts clients %s', (_, make) => {
    const starts = fc.array(fc.nat(2000), { minLength: 2, maxLength: 8 })
    void fc.assert(
      fc.property(starts, fc.integer(), fc.integer({ min: 10, max: 500 }), (start, seed, connectionsMax) => {
        const chance = chanceOf(seed)
        const place = make()
        const counts = [...start]
        const total = sumOf(counts)
        const highest = Math.max(...counts)
        let rounds = 0
        let pace: Pace = freshPace(0)
        for (; ; rounds++) {
          const loads = counts.map((connections, at) => load(`gw${at}`, connections))
          const bounds = { withinPercent: 10, connectionsMax }
          const { excess } = planMoves(loads, { ...bounds, gain: 1 })
          const { moves } = planMoves(loads, { ...bounds, gain: gainOf(pace, excess) })
          if (moves.length === 0) break
          const moved = moves.reduce((sum, { connections }) => sum + connections, 0)
          pace = paceAfter(pace, { excess, moved, windowMs: 0 }, 0)
          expect(rounds).toBeLessThan(roundsMax(total, counts.length, connectionsMax))
          // As clients do it: there first, then gone here.
          for (const move of moves) counts[Number(move.gateway.slice(2))]! -= move.connections
          for (const { connections } of moves) {
            for (let one = 0; one < connections; one++) counts[place(counts, chance)]!++
          }
          // Nobody gets much fuller than the fullest was: that would be oscillation.
          expect(Math.max(...counts)).toBeLessThanOrEqual(highest + 6 * Math.sqrt(total) + 5)
        }
        const mean = total / counts.length
        const tolerance = Math.max(DIFFERENCE_MIN, mean / 10)
        for (const count of counts) expect(Math.abs(count - mean)).toBeLessThanOrEqual(tolerance)
        expect(sumOf(counts)).toBe(total)
      }),
      { numRuns: 60 },
    )
  })
})

/** A round moves the bound, of which the share of those below lands well; at the end each lessens the excess by that share. */
function roundsMax(total: number, gateways: number, connectionsMax: number): number {
  return gateways * (Math.ceil(total / connectionsMax) + 10)
}

/** Chance that a seed repeats (mulberry32). */
function chanceOf(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
