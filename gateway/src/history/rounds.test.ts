import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createRounds } from './rounds.ts'

/** Rounds that end when a test says so. */
function rounds() {
  const begun: { readonly items: string[]; end(): void; fail(): void }[] = []
  const made = createRounds((stream: string, items: ReadonlySet<string>) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const number = begun.length
    begun.push({
      items: [...items],
      end: () => resolve(`${stream} ${number}`),
      fail: () => reject(new Error(`${stream} ${number}`)),
    })
    return promise
  })
  return { begun, take: (item: string, stream = 's') => made.take(stream, item) }
}

async function turns(count = 3): Promise<void> {
  for (let at = 0; at < count; at++) await turn()
}

test('all of a turn are one round, and each stream has its own', async () => {
  const { begun, take } = rounds()
  const answers = [take('a'), take('b'), take('c', 'other')]
  await turns()
  expect(begun.map(({ items }) => items)).toEqual([['a', 'b'], ['c']])
  for (const { end } of begun) end()
  expect(await Promise.all(answers)).toEqual(['s 0', 's 0', 'other 1'])
})

test('who comes while a round is under way takes part in the next, which begins when that one has ended', async () => {
  const { begun, take } = rounds()
  const first = take('a')
  await turns()
  const second = take('b')
  await turns()
  void take('c')
  await turns()
  expect(begun).toHaveLength(1)
  begun[0]?.end()
  await turns()
  expect(begun[1]?.items).toEqual(['b', 'c'])
  begun[1]?.end()
  expect(await Promise.all([first, second])).toEqual(['s 0', 's 1'])
})

test('a round that does not end holds up the next for a quarter of a second at most', async () => {
  const { begun, take } = rounds()
  void take('a')
  await turns()
  const startedAt = performance.now()
  void take('b')
  await turns()
  expect(begun).toHaveLength(1)
  await expect.poll(() => begun.length).toBe(2)
  expect(performance.now() - startedAt).toBeGreaterThan(GATHERED_MS)
})

test('a storm is gathered for the whole of that time', async () => {
  const { begun, take } = rounds()
  void take('a')
  await turns()
  for (let at = 0; at < 16; at++) void take(`b${at}`)
  await turns()
  begun[0]?.end()
  await turns()
  void take('late')
  await turns()
  expect(begun).toHaveLength(1)
  await expect.poll(() => begun[1]?.items.length).toBe(17)
})

test('a round that fails does so for its own alone', async () => {
  const { begun, take } = rounds()
  const first = take('a')
  await turns()
  const second = take('b')
  await turns()
  begun[0]?.fail()
  await expect(first).rejects.toThrow('s 0')
  await turns()
  begun[1]?.end()
  expect(await second).toBe('s 1')
})

/** A little less than the time for which rounds are gathered: clocks round. */
const GATHERED_MS = 240
