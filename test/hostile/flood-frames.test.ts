import { describe, expect } from 'vitest'
import { testWithFlood } from '../harness/flood-stage.ts'

const test = testWithFlood()

describe('users notice nothing of twenty sockets that send without end', () => {
  test('parts of one byte, closed with 1008', async ({ flooded }) => {
    const { outcomes } = await flooded.flood({ attack: 'fragments', hands: 20 })
    expect(outcomes['1008']).toBeGreaterThan(0)
  })

  test('WebSocket pings', async ({ flooded }) => {
    const { outcomes } = await flooded.flood({ attack: 'pings', hands: 20 })
    expect(outcomes['4029']).toBeGreaterThan(0)
  })

  test('publishes, closed with 4029', async ({ flooded }) => {
    const { outcomes } = await flooded.flood({ attack: 'publishes', hands: 20 })
    expect(outcomes['4029']).toBeGreaterThan(0)
  })

  test('joins, closed with 4029', async ({ flooded }) => {
    const { outcomes } = await flooded.flood({ attack: 'joins', hands: 20 })
    expect(outcomes['4029']).toBeGreaterThan(0)
  })
})
