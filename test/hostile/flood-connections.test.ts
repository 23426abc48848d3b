import { describe, expect } from 'vitest'
import { testWithFlood } from '../harness/flood-stage.ts'

const test = testWithFlood()

describe('users notice nothing of', () => {
  test('ten times the connections that one address may make, refused with 429', async ({ flooded }) => {
    const { outcomes } = await flooded.flood({ attack: 'oneAddress', perSecond: 400, hands: 64 })
    expect(outcomes['429']).toBeGreaterThan(0)
    expect(Object.keys(outcomes).filter((outcome) => !['101', '429'].includes(outcome))).toEqual([])
  })

  test('ten times the sockets that may wait for their sign-in, refused with 503', async ({ flooded }) => {
    const { outcomes, metrics } = await flooded.flood({ attack: 'unsigned', perSecond: 700, hands: 100 })
    expect(outcomes['503']).toBeGreaterThan(0)
    expect(metrics.value('refusals_total', { reason: 'unauthenticated' })).toBeGreaterThan(0)
  })

  test('ten times the sockets that there may be, refused with 503', async ({ flooded }) => {
    const { outcomes, metrics } = await flooded.flood({ attack: 'signed', perSecond: 1000, hands: 100 })
    expect(outcomes['503']).toBeGreaterThan(0)
    expect(metrics.value('refusals_total', { reason: 'full' })).toBeGreaterThan(0)
  })

  test('what is no handshake, refused with 400 or 431, or with 429 where an address has tried too often', async ({
    flooded,
  }) => {
    const { outcomes } = await flooded.flood({ attack: 'garbage', perSecond: 400, hands: 64 })
    expect(
      Object.keys(outcomes)
        .filter((outcome) => outcome !== '429')
        .sort(),
    ).toEqual(['400', '431'])
  })
})
