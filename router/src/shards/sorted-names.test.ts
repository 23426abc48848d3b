import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { SortedNames } from './sorted-names.ts'

test('names that come and go are those of a set, in order, from anywhere', () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.string({ maxLength: 2 })))
  void fc.assert(
    fc.property(steps, fc.string({ maxLength: 2 }), (steps, after) => {
      const names = new SortedNames<string>()
      const model = new Set<string>()
      for (const [adds, name] of steps) {
        if (adds) names.add(name)
        else names.delete(name)
        if (adds) model.add(name)
        else model.delete(name)
      }
      const expected = [...model].sort().filter((name) => name > after)
      expect([...names.after(after)]).toEqual(expected)
      expect(names.size).toBe(model.size)
    }),
  )
})
