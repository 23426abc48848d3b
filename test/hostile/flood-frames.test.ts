import { describe, expect } from 'vitest'
import { testWithFlood } from '../harness/flood-stage.ts'

const test = testWithFlood()

// A socket is closed after some 200 publishes or joins: fifty such attempts a second are ten times what twenty sockets may send at the rates
// of FLOOD_SETTINGS.
describe('users notice nothing of twenty sockets that send without end', () => {
  test('parts of one byte, closed with 1008', async ({ flooded }) => {
    const { outcomes } = await flooded.flood({ attack: 'fragments', perSecond: 100, hands: 20 })
    expect(outcomes['1008']).toBeGreaterThan(0)
  })

  test('WebSocket pings', async ({ flooded }) => {
    const { outcomes } = await flooded.flood({ attack: 'pings', perSecond: 100, hands: 20 })
    expect(outcomes['4029']).toBeGreaterThan(0)
  })

  test('publishes, closed with 4029', async ({ flooded }) => {
    const { outcomes } = await flooded.flood({ attack: 'publishes', perSecond: 50, hands: 20 })
    expect(outcomes['4029']).toBeGreaterThan(0)
  })

  test('joins, closed with 4029', async ({ flooded }) => {
    const { outcomes } = await flooded.flood({ attack: 'joins', perSecond: 50, hands: 20 })
    expect(outcomes['4029']).toBeGreaterThan(0)
  })
})
