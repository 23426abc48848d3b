import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createUpgradeTurns } from './upgrade-turns.ts'

test('as many as fit are handled at once, and the others in their order, some in each turn', async () => {
  const handled: number[] = []
  const take = createUpgradeTurns<number>(2, (item) => handled.push(item))
  for (let item = 1; item <= 5; item++) take(item)
  expect(handled).toEqual([1, 2])
  await turn()
  expect(handled).toEqual([1, 2, 3, 4])
  take(6)
  expect(handled).toEqual([1, 2, 3, 4])
  await turn()
  expect(handled).toEqual([1, 2, 3, 4, 5, 6])
})

test('a turn in which nothing waits leaves the next its whole share', async () => {
  const handled: number[] = []
  const take = createUpgradeTurns<number>(2, (item) => handled.push(item))
  take(1)
  await turn()
  for (let item = 2; item <= 4; item++) take(item)
  expect(handled).toEqual([1, 2, 3])
})
