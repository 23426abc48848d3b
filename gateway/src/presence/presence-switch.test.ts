import { namespacesSchema } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { createPresenceSwitch } from './presence-switch.ts'
import type { RunningPresence } from './start-presence.ts'

const without = namespacesSchema.parse({ default: {} })
const withPresence = namespacesSchema.parse({ default: {}, chat: { presence: true } })

function build() {
  const running = { announced: false, leaseAgeMs: () => 5 } as RunningPresence
  const state = { starts: 0, changes: 0 }
  const presence = createPresenceSwitch({
    start: async () => {
      state.starts++
      return running
    },
    onChange: () => {
      state.changes++
    },
  })
  return { presence, running, state }
}

describe('presence', () => {
  test('is off, and needs nothing, while no namespace has it', async () => {
    const { presence, state } = build()
    await presence.apply(without)
    expect([presence.running, presence.readiness, state.starts]).toEqual([null, null, 0])
  })

  test('begins with the first namespace that has it, once, and stays', async () => {
    const { presence, running, state } = build()
    await presence.apply(without)
    const applied = presence.apply(withPresence)
    expect(presence.readiness).toEqual({ announced: false, leaseAgeMs: null })
    await applied
    expect(presence.running).toBe(running)
    expect(presence.readiness).toEqual({ announced: false, leaseAgeMs: 5 })
    await presence.apply(without)
    expect(presence.running).toBe(running)
    expect(state).toEqual({ starts: 1, changes: 2 })
  })
})
