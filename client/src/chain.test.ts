import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Chain, type Place } from './chain.ts'

const at = (offset: number, prev?: number, time: number | undefined = offset): Place => ({ offset, prev, time })

function standing(offset: number, time: number | undefined = offset): Chain {
  const chain = new Chain()
  chain.settle({ epoch: 'e', offset, time })
  return chain
}

describe('a message', () => {
  test('that names the position, or something older, as the one before it follows', () => {
    for (const prev of [0, 3, 5]) {
      const chain = standing(5)
      expect(chain.step(at(8, prev))).toBe('next')
      expect(chain.position).toEqual({ epoch: 'e', offset: 8, time: 8 })
    }
  })

  test('whose predecessor is above the position shows a broken chain, and does not move it', () => {
    const chain = standing(5)
    expect(chain.step(at(8, 6))).toBe('broken')
    expect(chain.position?.offset).toBe(5)
  })

  test('at or below the position was seen, unless it is newer', () => {
    const chain = standing(5)
    expect(chain.step(at(5, 4))).toBe('duplicate')
    expect(chain.step(at(2, 0))).toBe('duplicate')
    expect(chain.step(at(4, 0, 99))).toBe('rollback')
    expect(chain.position?.offset).toBe(5)
  })

  test('without a time, or at a position without one, is never a rollback', () => {
    expect(standing(5).step({ offset: 4, prev: 0, time: undefined })).toBe('duplicate')
    const chain = new Chain()
    chain.jump({ epoch: 'e', offset: 5, time: undefined })
    expect(chain.step(at(4, 0, 99))).toBe('duplicate')
  })
})

describe('a position', () => {
  test('is unknown until the gateway has named the epoch, but requested messages are a chain already', () => {
    const chain = new Chain()
    expect(chain.step(at(7, 3))).toBe('next')
    expect(chain.position).toBeNull()
    expect(chain.step(at(9, 7))).toBe('next')
    expect(chain.step(at(12, 10))).toBe('broken')
    chain.settle({ epoch: 'e', offset: 10, time: 10 })
    expect(chain.position).toEqual({ epoch: 'e', offset: 10, time: 10 })
  })

  test('never goes back within an epoch, and is another in another one', () => {
    const chain = standing(5)
    chain.settle({ epoch: 'e', offset: 3, time: 3 })
    expect(chain.position?.offset).toBe(5)
    chain.settle({ epoch: 'f', offset: 1, time: 1 })
    expect(chain.position).toEqual({ epoch: 'f', offset: 1, time: 1 })
  })

  test('jumps where a gap says so, also back', () => {
    const chain = standing(5)
    chain.jump({ epoch: 'e', offset: 2, time: undefined })
    expect(chain.step(at(3, 2))).toBe('next')
  })
})

test('whatever is dropped, doubled or late: each offset is stepped on once, and nothing is missed without being broken', () => {
  const deliveries = fc.array(fc.record({ index: fc.nat(30), repeat: fc.boolean() }), { maxLength: 80 })
  fc.assert(
    fc.property(deliveries, (order) => {
      const room = Array.from({ length: 31 }, (_, index) => at(2 * index + 1, index === 0 ? 0 : 2 * index - 1))
      const chain = standing(0)
      const seen: number[] = []
      for (const { index, repeat } of order) {
        for (const place of repeat ? [room[index]!, room[index]!] : [room[index]!]) {
          const verdict = chain.step(place)
          if (verdict === 'next') seen.push(place.offset)
          if (verdict === 'broken') expect(place.prev).toBeGreaterThan(seen.at(-1) ?? 0)
        }
      }
      expect(seen).toEqual(room.slice(0, seen.length).map(({ offset }) => offset))
    }),
  )
})
