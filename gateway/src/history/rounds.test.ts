import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createRounds } from './rounds.ts'

/** Rounds that end when a test says so. */
function rounds() {
  const begun: { readonly items: string[]; end(): void; fail(): void }[] = []
  const company: { ended: PromiseWithResolvers<void> | null } = { ended: null }
  function run(stream: string, items: ReadonlySet<string>): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const number = begun.length
    begun.push({
      items: [...items],
      end: () => resolve(`${stream} ${number}`),
      fail: () => reject(new Error(`${stream} ${number}`)),
    })
    return promise
  }
  const made = createRounds(run, () => company.ended?.promise ?? null)
  return { begun, company, take: (item: string, stream = 's') => made.take(stream, item) }
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

test('a crowd that is still coming is waited for, a second at most', async () => {
  const { begun, take } = rounds()
  void take('a')
  await turns()
  const startedAt = performance.now()
  let sent = 0
  const send = setInterval(() => {
    for (let at = 0; at < 64; at++) void take(`b${sent++}`)
  }, 5)
  await expect.poll(() => begun.length, { timeout: 5000 }).toBe(2)
  clearInterval(send)
  expect(performance.now() - startedAt).toBeGreaterThan(3 * GATHERED_MS)
})

test('a crowd that has come waits for nobody else', async () => {
  const { begun, take } = rounds()
  void take('a')
  await turns()
  for (let at = 0; at < 500; at++) void take(`b${at}`)
  await expect.poll(() => begun[1]?.items.length).toBe(500)
})

test('a round waits for those who are on their way to it, but not for those who set out later', async () => {
  const { begun, take, company } = rounds()
  company.ended = Promise.withResolvers<void>()
  const { resolve } = company.ended
  void take('a')
  await turns()
  company.ended = Promise.withResolvers<void>()
  void take('b')
  await turns()
  expect(begun).toEqual([])
  resolve()
  await turns()
  expect(begun.map(({ items }) => items)).toEqual([['a', 'b']])
})

test('a storm waits for those who are on their way a second at most, who comes alone a quarter of it', async () => {
  const { begun, take, company } = rounds()
  company.ended = Promise.withResolvers<void>()
  const startedAt = performance.now()
  void take('alone', 'other')
  for (let at = 0; at < 16; at++) void take(`b${at}`)
  await expect.poll(() => begun.map(({ items }) => items.length)).toEqual([1])
  await expect.poll(() => begun.map(({ items }) => items.length)).toEqual([1, 16])
  expect(performance.now() - startedAt).toBeGreaterThan(4 * GATHERED_MS)
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
