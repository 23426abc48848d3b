import type { ServerFrame } from '@sluice/proto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { fakeConnection } from '../../../test/harness/session-fakes.ts'
import { createConnections } from '../session/connections.ts'
import { createMove } from './move.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function build(...numbers: readonly number[]) {
  const connections = createConnections()
  const made = numbers.map((number) => {
    const connection = fakeConnection({ number, user: 'ann' })
    connections.add(connection)
    return connection
  })
  const told: [number, ServerFrame][] = []
  const closed: [number, number, string][] = []
  const move = createMove({
    connections,
    wire: {
      send: ({ number }, frame) => told.push([number, frame]),
      close: ({ number }, code, reason) => closed.push([number, code, reason]),
    },
    nowMs: () => performance.now(),
  })
  return { move, made, told, closed }
}

test('a move asks first, and closes with 1012 when the time to move is over', async () => {
  const { move, told, closed } = build(1)
  expect(move({ connections: undefined, windowMs: 3000, reason: 'rebalance' })).toBe(1)
  expect(told).toEqual([[1, { type: 'move', afterMs: 1000, reason: 'rebalance' }]])
  expect(closed).toEqual([])
  await vi.advanceTimersByTimeAsync(3000)
  expect(told).toHaveLength(1)
  expect(closed).toEqual([[1, 1012, 'rebalance']])
  expect(vi.getTimerCount()).toBe(0)
})

test('a move takes those that are open, and no more than it was told to', async () => {
  const { move, made, closed } = build(1, 2, 3, 4)
  const [first] = made
  if (first !== undefined) first.phase = 'closing'
  expect(move({ connections: 2, windowMs: 300, reason: '' })).toBe(2)
  await vi.advanceTimersByTimeAsync(400)
  expect(closed.map(([number]) => number)).toEqual([2, 3])
})
