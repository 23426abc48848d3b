import { describe, expect, test } from 'vitest'
import { countingOf } from './counting.ts'

describe('an instance counts', () => {
  test.each(['announcing', 'up', 'draining'] as const)('while it is %s', (state) => {
    expect([...countingOf([{ instance: 'a', value: { state } }])]).toEqual([['a', 'a']])
  })

  test('no more once it was declared dead', () => {
    expect(countingOf([{ instance: 'a', value: { state: 'dead' } }]).size).toBe(0)
  })

  test('under the one that adopts it, while that one announces', () => {
    const adopting = { instance: 'b', value: { state: 'announcing', adopts: 'a' } } as const
    expect(countingOf([{ instance: 'a', value: { state: 'dead' } }, adopting])).toEqual(
      new Map([
        ['b', 'b'],
        ['a', 'b'],
      ]),
    )
    expect(countingOf([{ instance: 'a', value: { state: 'up' } }, adopting]).get('a')).toBe('b')
  })

  test('no more once the one that has adopted it is up and has settled', () => {
    const value = { state: 'up', adopts: 'a' } as const
    expect(countingOf([{ instance: 'b', value, settling: true }]).get('a')).toBe('b')
    expect(countingOf([{ instance: 'b', value }]).has('a')).toBe(false)
  })

  test('not through one that died while it announced', () => {
    expect(countingOf([{ instance: 'b', value: { state: 'dead', adopts: 'a' } }]).size).toBe(0)
  })

  test('under the last one, where several leases of one gateway live', () => {
    const counting = countingOf([
      { instance: 'b', value: { state: 'announcing', adopts: 'a' } },
      { instance: 'c', value: { state: 'announcing', adopts: 'b' } },
    ])
    expect([counting.get('a'), counting.get('b'), counting.get('c')]).toEqual(['c', 'c', 'c'])
  })

  test('also where leases adopt each other or themselves, which nobody writes', () => {
    const counting = countingOf([
      { instance: 'a', value: { state: 'announcing', adopts: 'b' } },
      { instance: 'b', value: { state: 'announcing', adopts: 'a' } },
      { instance: 'c', value: { state: 'announcing', adopts: 'c' } },
    ])
    expect([...counting.keys()].sort()).toEqual(['a', 'b', 'c'])
  })

  test('under the same one for everyone where two adopt it', () => {
    const b = { instance: 'b', value: { state: 'announcing', adopts: 'a' } } as const
    const c = { instance: 'c', value: { state: 'announcing', adopts: 'a' } } as const
    expect(countingOf([b, c]).get('a')).toBe(countingOf([c, b]).get('a'))
  })
})
