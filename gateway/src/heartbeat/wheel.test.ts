import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createWheel, type Wheeled } from './wheel.ts'

interface Item extends Wheeled {
  readonly name: number
}

const item = (name: number): Item => ({ name, wheelSlot: -1, wheelAt: 0 })

/** The names that fall due in each of the next ticks. */
function turns(wheel: { advance(): readonly Item[] }, ticks: number): number[][] {
  return Array.from({ length: ticks }, () => wheel.advance().map(({ name }) => name))
}

describe('an item on the wheel', () => {
  test('is due after its ticks, once', () => {
    const wheel = createWheel<Item>(8)
    wheel.schedule(item(1), 3)
    expect(turns(wheel, 12)).toEqual([[], [], [1], [], [], [], [], [], [], [], [], []])
  })

  test.each([
    [0, 1],
    [-5, 1],
    [1, 1],
    [1.2, 2],
    [7, 7],
    [8, 7],
    [Number.POSITIVE_INFINITY, 7],
  ])('that asks for %d ticks on a wheel of 8 is due in %i', (asked, due) => {
    const wheel = createWheel<Item>(8)
    wheel.schedule(item(1), asked)
    expect(turns(wheel, 8).findIndex((names) => names.length > 0) + 1).toBe(due)
  })

  test('that is scheduled again is due at its new time alone', () => {
    const wheel = createWheel<Item>(8)
    const one = item(1)
    wheel.schedule(one, 2)
    wheel.schedule(one, 5)
    expect(turns(wheel, 6)).toEqual([[], [], [], [], [1], []])
  })

  test('that is cancelled is never due', () => {
    const wheel = createWheel<Item>(8)
    const one = item(1)
    wheel.schedule(one, 2)
    wheel.cancel(one)
    wheel.cancel(one)
    expect(turns(wheel, 9).flat()).toEqual([])
  })

  test('that is cancelled while it is due disturbs nobody', () => {
    const wheel = createWheel<Item>(8)
    const [one, two] = [item(1), item(2)]
    wheel.schedule(one, 1)
    wheel.schedule(two, 1)
    const due = wheel.advance()
    wheel.cancel(two)
    wheel.schedule(one, 1)
    expect(due).toEqual([one, two])
    expect(turns(wheel, 2)).toEqual([[1], []])
  })
})

test('a wheel behaves as a list of due times', () => {
  const size = 16
  const step = fc.oneof(
    fc.record({ kind: fc.constant('schedule'), name: fc.nat(9), ticks: fc.integer({ min: -2, max: 40 }) }),
    fc.record({ kind: fc.constant('cancel'), name: fc.nat(9), ticks: fc.constant(0) }),
    fc.record({ kind: fc.constant('advance'), name: fc.constant(0), ticks: fc.integer({ min: 1, max: 20 }) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const wheel = createWheel<Item>(size)
      const items = Array.from({ length: 10 }, (_, name) => item(name))
      const dueAt = new Map<number, number>()
      let tick = 0
      for (const { kind, name, ticks } of steps) {
        if (kind === 'schedule') {
          wheel.schedule(items[name] as Item, ticks)
          dueAt.set(name, tick + Math.min(Math.max(ticks, 1), size - 1))
        } else if (kind === 'cancel') {
          wheel.cancel(items[name] as Item)
          dueAt.delete(name)
        } else {
          for (let turn = 0; turn < ticks; turn++) {
            tick++
            const expected = [...dueAt].filter(([, at]) => at === tick).map(([due]) => due)
            for (const due of expected) dueAt.delete(due)
            const due = wheel.advance().map((one) => one.name)
            expect(due.sort()).toEqual(expected.sort())
            expect(wheel.tick).toBe(tick)
          }
        }
      }
    }),
  )
})
