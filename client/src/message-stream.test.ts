import { describe, expect, test } from 'vitest'
import { MessageStream } from './message-stream.ts'

function stream(options = {}): { stream: MessageStream<number>; readers: Set<MessageStream<number>> } {
  const readers = new Set<MessageStream<number>>()
  return { stream: new MessageStream<number>(options, readers), readers }
}

async function rest(iterator: AsyncIterable<number>): Promise<number[]> {
  const values: number[] = []
  for await (const value of iterator) values.push(value)
  return values
}

describe('a loop', () => {
  test('gets what waits and what comes, in order, and ends', async () => {
    const { stream: numbers } = stream()
    numbers.push(1)
    const all = rest(numbers)
    numbers.push(2)
    await Promise.resolve()
    numbers.push(3)
    numbers.end()
    numbers.push(4)
    expect(await all).toEqual([1, 2, 3])
  })

  test('that is left ends the stream', async () => {
    const held = stream()
    held.stream.push(1)
    expect(held.readers.size).toBe(1)
    for await (const value of held.stream) if (value === 1) break
    expect(held.readers.size).toBe(0)
    expect(await held.stream.next()).toEqual({ done: true, value: undefined })
  })

  test('that falls behind its bound gets what waited, then an error', async () => {
    const held = stream({ max: 2 })
    for (const value of [1, 2, 3, 4]) held.stream.push(value)
    expect(await held.stream.next()).toEqual({ done: false, value: 1 })
    expect(await held.stream.next()).toEqual({ done: false, value: 2 })
    await expect(held.stream.next()).rejects.toMatchObject({ code: 'overflow' })
    expect(await held.stream.next()).toEqual({ done: true, value: undefined })
    expect(held.readers.size).toBe(0)
  })

  test('ends when its signal is aborted, before or meanwhile', async () => {
    const abort = new AbortController()
    const { stream: numbers } = stream({ signal: abort.signal })
    const all = rest(numbers)
    abort.abort()
    expect(await all).toEqual([])
    expect(await rest(stream({ signal: AbortSignal.abort() }).stream)).toEqual([])
  })

  test('answers several calls of next in order', async () => {
    const { stream: numbers } = stream()
    const calls = [numbers.next(), numbers.next(), numbers.next()]
    for (const value of [1, 2]) numbers.push(value)
    numbers.end()
    expect(await Promise.all(calls)).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
      { done: true, value: undefined },
    ])
  })
})
