import type { GivenRight } from '@sluice/proto'
import { expect, test } from 'vitest'
import { settled } from '../../../test/harness/request-fakes.ts'
import { fakeConnection, principalOf } from '../../../test/harness/session-fakes.ts'
import { type Refusal, refusal, unavailable } from '../session/answer.ts'
import { createConnectionRights } from './connection-rights.ts'

const given = (ttlMs: number | null): GivenRight => ({ ttlMs, info: undefined, limits: {} })

function build(...answers: (GivenRight | Refusal)[]) {
  const state = { now: 0, connected: true, asked: 0 }
  const ended: string[] = []
  const rights = createConnectionRights({
    authoriser: {
      connect: async () => {
        state.asked++
        return answers.shift() ?? refusal('no_service', '')
      },
    },
    connected: () => state.connected,
    nowMs: () => state.now,
    tickMs: 250,
    onEnded: (_, { code }) => ended.push(code),
  })
  const connection = fakeConnection()
  return {
    state,
    ended,
    rights,
    connection,
    ask: () => rights.ask(connection, principalOf('alice')),
    async pass(ms: number): Promise<void> {
      for (let at = 0; at < ms; at += 250) {
        state.now += 250
        rights.tick()
        await settled()
      }
    },
  }
}

test('a right without an end is asked for once', async () => {
  const { ask, pass, state } = build(given(null))
  expect(await ask()).toBeNull()
  await pass(200_000)
  expect(state.asked).toBe(1)
})

test('one with an end is asked for again, until it is refused', async () => {
  const { ask, pass, state, ended } = build(given(180_000), given(0), refusal('forbidden', 'no'))
  await ask()
  await pass(179_000)
  expect(state.asked).toBe(1)
  await pass(1500)
  expect(state.asked).toBe(2)
  await pass(1500)
  expect([state.asked, ended]).toEqual([3, ['forbidden']])
  await pass(5000)
  expect(state.asked).toBe(3)
})

test('what is refused at once is not kept, and what is gone not asked for', async () => {
  const { ask, pass, state, rights, connection } = build(refusal('forbidden', 'no'), given(1000))
  expect(await ask()).toMatchObject({ code: 'forbidden' })
  await ask()
  rights.forget(connection)
  await pass(5000)
  expect(state.asked).toBe(2)
})

test('while NATS is away the right is kept and asked for when it is back', async () => {
  const { ask, pass, state, ended } = build(given(1000), unavailable(), given(null))
  await ask()
  state.connected = false
  await pass(1250)
  expect([state.asked, ended]).toEqual([2, []])
  state.connected = true
  await pass(1250)
  expect([state.asked, ended]).toEqual([3, []])
})
