import { expect, test } from 'vitest'
import { createHistoryQueue } from './history-queue.ts'

const never = new AbortController().signal

/** Tasks that end when a test says so. */
function tasks() {
  const started: string[] = []
  const ends = new Map<string, () => void>()
  const task = (name: string) => (): Promise<string> => {
    started.push(name)
    return new Promise((resolve) => ends.set(name, () => resolve(name)))
  }
  return { started, task, end: (name: string) => ends.get(name)?.() }
}

test('no more than the bound run at a time; the others follow in order', async () => {
  const { started, task, end } = tasks()
  const queue = createHistoryQueue({ inFlightMax: 2, waitingMax: 10 })
  const runs = ['a', 'b', 'c', 'd'].map((name) => queue.run(task(name), never))
  await expect.poll(() => started).toEqual(['a', 'b'])
  expect([queue.inFlight, queue.waiting]).toEqual([2, 2])
  end('b')
  await expect.poll(() => started).toEqual(['a', 'b', 'c'])
  end('a')
  await expect.poll(() => started).toEqual(['a', 'b', 'c', 'd'])
  end('c')
  end('d')
  expect(await Promise.all(runs)).toEqual(['a', 'b', 'c', 'd'])
  expect([queue.inFlight, queue.waiting]).toEqual([0, 0])
})

test('who finds no room to wait is told at once', async () => {
  const { task, end } = tasks()
  const queue = createHistoryQueue({ inFlightMax: 1, waitingMax: 1 })
  const first = queue.run(task('a'), never)
  const second = queue.run(async () => 'b', never)
  expect(await queue.run(task('c'), never)).toBe(null)
  end('a')
  expect(await Promise.all([first, second])).toEqual(['a', 'b'])
})

test('who has waited too long is dropped, and its place goes to the next', async () => {
  const { started, task, end } = tasks()
  const queue = createHistoryQueue({ inFlightMax: 1, waitingMax: 2 })
  const late = new AbortController()
  const first = queue.run(task('a'), never)
  const dropped = queue.run(task('b'), late.signal)
  late.abort()
  expect(await dropped).toBe(null)
  expect(queue.waiting).toBe(0)
  const last = queue.run(async () => 'c', never)
  end('a')
  expect(await Promise.all([first, last])).toEqual(['a', 'c'])
  expect(started).toEqual(['a'])
  expect(await queue.run(task('d'), late.signal)).toBe(null)
})

test('a task that fails gives its place back', async () => {
  const queue = createHistoryQueue({ inFlightMax: 1, waitingMax: 1 })
  await expect(queue.run(() => Promise.reject(new Error('ours')), never)).rejects.toThrow('ours')
  expect(queue.inFlight).toBe(0)
})
