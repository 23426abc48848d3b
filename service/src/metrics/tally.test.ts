import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Tally } from './tally.ts'

describe('a tally', () => {
  test('counts by kind, known ones from zero', () => {
    const tally = new Tally(['room', 'user'])
    tally.add('room')
    tally.add('room', 2)
    tally.add(4001)
    expect([...tally.entries()]).toEqual([
      ['room', 3],
      ['user', 0],
      [4001, 1],
    ])
    expect([tally.get('room'), tally.get('never'), tally.total]).toEqual([3, 0, 4])
  })

  test('has at most 64 kinds and `other`, and loses no count', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.oneof(fc.string(), fc.integer()), fc.nat(9)), { maxLength: 500 }), (adds) => {
        const tally = new Tally()
        for (const [label, by] of adds) tally.add(label, by)
        expect([...tally.entries()].length).toBeLessThanOrEqual(65)
        expect(tally.total).toBe(adds.reduce((sum, [, by]) => sum + by, 0))
      }),
    )
    const tally = new Tally()
    for (let kind = 0; kind < 100; kind++) tally.add(kind)
    expect(tally.get('other')).toBe(36)
  })
})
