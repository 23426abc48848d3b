import { inboxSchema, namespacesSchema } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { settled } from '../../../test/harness/request-fakes.ts'
import { createStreamWait, wantedStreams } from './stream-wait.ts'

const HISTORY = { messages: 10, seconds: 60 }

function build() {
  const state = { now: 0, there: new Set<string>(), away: false, asked: [] as string[] }
  const config = {
    namespaces: namespacesSchema.parse({ default: {}, chat: { history: HISTORY }, log: { history: HISTORY } }),
    inbox: inboxSchema.parse({ history: false }),
  }
  const wishes = { prefix: 'sluice', namespaces: () => config.namespaces, inbox: () => config.inbox }
  const wait = createStreamWait({
    ...wishes,
    state: async (stream) => {
      state.asked.push(stream)
      if (state.away) throw new Error('away')
      return state.there.has(stream) ? {} : null
    },
    nowMs: () => state.now,
  })
  return {
    wait,
    state,
    config,
    wishes,
    async tick(ms: number): Promise<void> {
      state.now += ms
      wait.tick()
      await settled()
      await settled()
    },
  }
}

describe('the waiting for streams', () => {
  test('is for those of every namespace that keeps something, and of inboxes', () => {
    const { wishes, config } = build()
    expect(wantedStreams(wishes)).toEqual(['SLUICE_HISTORY_chat', 'SLUICE_HISTORY_log'])
    config.inbox = inboxSchema.parse({ history: HISTORY })
    expect(wantedStreams(wishes)).toEqual(['SLUICE_HISTORY_chat', 'SLUICE_HISTORY_log', 'SLUICE_INBOX'])
  })

  test('ends when all were there, though not at one time, and for good', async () => {
    const { wait, state, tick } = build()
    await tick(0)
    expect(wait.seen).toBe(false)
    state.there.add('SLUICE_HISTORY_log')
    await tick(500)
    state.there = new Set(['SLUICE_HISTORY_chat'])
    expect(wait.seen).toBe(false)
    await tick(500)
    expect(wait.seen).toBe(true)
    state.there.clear()
    const asked = state.asked.length
    await tick(5000)
    expect([wait.seen, state.asked.length]).toEqual([true, asked])
  })

  test('asks twice a second, and again after NATS was away', async () => {
    const { wait, state, tick } = build()
    state.away = true
    await tick(0)
    await tick(499)
    expect(state.asked).toEqual(['SLUICE_HISTORY_chat'])
    state.away = false
    state.there = new Set(['SLUICE_HISTORY_chat', 'SLUICE_HISTORY_log'])
    await tick(1)
    expect(wait.seen).toBe(true)
  })
})
