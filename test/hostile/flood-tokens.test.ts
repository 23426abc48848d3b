import { expect } from 'vitest'
import { testWithFlood } from '../harness/flood-stage.ts'
import { makeSigningKey } from '../harness/tokens.ts'

const key = await makeSigningKey('known')
let fetches = (): number => 0

const test = testWithFlood({
  token: (user) => key.sign(user),
  settings: async (stage) => {
    const jwks = await stage.jwks([key.jwk])
    fetches = () => jwks.requests
    return { auth: { jwksUrl: jwks.url, secret: undefined } }
  },
})

test('users notice nothing of tokens whose keys nobody knows, for which the key set is fetched twice in 30 s at most', async ({
  flooded,
}) => {
  const since = performance.now()
  const before = fetches()
  const { outcomes, metrics } = await flooded.flood({ attack: 'unknownKeys', perSecond: 400, hands: 64 })
  expect(outcomes['4001']).toBeGreaterThan(64)
  expect(fetches() - before).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - since) / 30_000))
  expect(metrics.value('jwks_fetches_total', { result: 'ok' })).toBe(fetches())
})

test('users notice nothing of giant tokens, refused with 431 or closed with 4001', async ({ flooded }) => {
  const { outcomes } = await flooded.flood({ attack: 'giantTokens', perSecond: 400, hands: 64 })
  expect(Object.keys(outcomes).filter((outcome) => !['431', '4001', 'end'].includes(outcome))).toEqual([])
  expect(outcomes['431']).toBeGreaterThan(0)
  expect(outcomes['4001']).toBeGreaterThan(0)
})
