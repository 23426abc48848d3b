import { describe, expect, test } from 'vitest'
import { createRequestMemory } from './request-memory.ts'

function build() {
  const memory = createRequestMemory<number>({ idsMax: 3, keepMs: 100 })
  let done = 0
  return { once: (id: string, nowMs = 0) => memory.once(id, nowMs, () => ++done), forget: memory.forget }
}

describe('a request', () => {
  test('is done once, and comes to the same', () => {
    const { once } = build()
    expect([once('a'), once('a'), once('b'), once('a', 99)]).toEqual([1, 1, 2, 1])
  })

  test('is done again when it is too old to be known', () => {
    const { once } = build()
    expect([once('a'), once('a', 100)]).toEqual([1, 2])
  })

  test('is done again when it has come to nothing', () => {
    const { once, forget } = build()
    once('a')
    forget('a')
    expect(once('a')).toBe(2)
  })

  test('is forgotten when there are too many, the oldest first', () => {
    const { once } = build()
    for (const id of ['a', 'b', 'c', 'd']) once(id)
    expect([once('d'), once('c'), once('a')]).toEqual([4, 3, 5])
  })
})
