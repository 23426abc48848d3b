import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Overlap, type Side } from './overlap.ts'

const frame = (data: unknown): object => ({ type: 'message', room: 'lobby', data })

test('what both sockets bring is let through once, what one brings as well', () => {
  const overlap = new Overlap()
  expect(overlap.admits('old', frame(1))).toBe(true)
  expect(overlap.admits('new', frame(1))).toBe(false)
  expect(overlap.admits('new', frame(2))).toBe(true)
  expect(overlap.admits('old', frame(2))).toBe(false)
  expect(overlap.admits('old', frame(3))).toBe(true)
})

test('what was published twice is let through twice', () => {
  const overlap = new Overlap()
  const admitted = (['old', 'old', 'new', 'new', 'new'] as const).map((side) => overlap.admits(side, frame('same')))
  expect(admitted).toEqual([true, true, false, false, true])
})

test('each message is let through as often as the socket that has brought it more often has', () => {
  const arrivals = fc.array(fc.tuple(fc.constantFrom<Side>('old', 'new'), fc.nat(3)), { maxLength: 60 })
  fc.assert(
    fc.property(arrivals, (list) => {
      const overlap = new Overlap()
      const counts = new Map<number, { old: number; new: number; admitted: number }>()
      for (const [side, data] of list) {
        const count = counts.get(data) ?? { old: 0, new: 0, admitted: 0 }
        counts.set(data, count)
        count[side]++
        if (overlap.admits(side, frame(data))) count.admitted++
      }
      for (const count of counts.values()) expect(count.admitted).toBe(Math.max(count.old, count.new))
    }),
  )
})

test('it remembers a bounded number of messages', () => {
  const overlap = new Overlap()
  for (let data = 0; data < 5000; data++) overlap.admits('old', frame(data))
  expect(overlap.admits('new', frame(0))).toBe(true)
  expect(overlap.admits('new', frame(4999))).toBe(false)
})
