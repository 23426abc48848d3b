import { expect, test } from 'vitest'
import { fakeConnection } from '../../../test/harness/session-fakes.ts'
import { createConnections } from './connections.ts'

test('connections are found by number and counted by whether they have signed in, until they are removed', () => {
  const connections = createConnections()
  const [one, two] = [fakeConnection({ number: 1, user: null }), fakeConnection({ number: 2, user: null })]
  connections.add(one)
  connections.add(two)
  expect([connections.total, connections.unauthenticated]).toEqual([2, 2])
  connections.signedIn(one)
  expect(one.signedIn).toBe(true)
  expect([connections.total, connections.unauthenticated]).toEqual([2, 1])
  expect(connections.get(2)).toBe(two)
  expect(connections.get(3)).toBeUndefined()
  connections.remove(one)
  connections.remove(one)
  expect([connections.total, connections.unauthenticated]).toEqual([1, 1])
  connections.remove(two)
  expect([connections.total, connections.unauthenticated]).toEqual([0, 0])
})

test('a list of connections is not disturbed by closing them', () => {
  const connections = createConnections()
  for (let number = 1; number <= 3; number++) connections.add(fakeConnection({ number }))
  const seen: number[] = []
  for (const connection of connections.snapshot()) {
    connections.remove(connection)
    seen.push(connection.number)
  }
  expect(seen).toEqual([1, 2, 3])
})
