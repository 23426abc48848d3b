import type { Server } from '@nats-io/transport-node'
import { expect, test } from 'vitest'
import { createServerChoice, LEAVE_SPREAD_MS } from './server-choice.ts'

const [a, b, c] = ['a:4222', 'b:4222', 'c:4222'].map((listen) => ({ listen }) as Server) as [Server, Server, Server]

test('the library chooses by itself unless a silent server is left', () => {
  const choice = createServerChoice(() => 0.5)
  expect(choice.pick([a, b, c], null)).toBe(null)
  choice.avoid('a:4222')
  choice.settled()
  expect(choice.pick([a, b, c], null)).toBe(null)
})

test('a silent server is passed over, and its clients come to the next one spread over time', () => {
  const choice = createServerChoice(() => 0.5)
  choice.avoid('a:4222')
  expect(choice.pick([a, b, c], null)).toEqual({ server: b, delay: LEAVE_SPREAD_MS / 2 })
  expect(choice.pick([b, c, a], null)).toEqual({ server: b, delay: 0 })
  expect(choice.pick([c, a, b], null)).toEqual({ server: c, delay: 0 })
})

test('a silent server is dialled again where it is the only one', () => {
  const choice = createServerChoice(() => 0)
  choice.avoid('a:4222')
  expect(choice.pick([a], null)).toEqual({ server: a, delay: 0 })
  expect(choice.pick([], null)).toBe(null)
})
