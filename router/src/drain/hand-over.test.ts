import { beforeEach, expect, test } from 'vitest'
import type { LiveRouter } from '../shards/ownership.ts'
import { handOver, UP_FOR_MS } from './hand-over.ts'

/** What the others say from a moment on, oldest first. */
let script: { readonly fromMs: number; readonly routers: readonly LiveRouter[] }[]
let nowMs: number

function begin(waitMs = 10_000): Promise<string> {
  return handOver({
    routers: () => script.findLast(({ fromMs }) => fromMs <= nowMs)?.routers ?? [],
    nowMs: () => nowMs,
    pause: async (ms) => {
      nowMs += ms
    },
    waitMs,
  })
}

beforeEach(() => {
  script = []
  nowMs = 0
})

test('a router that is alone waits for nobody', async () => {
  script = [
    {
      fromMs: 0,
      routers: [
        { instance: 'a', state: 'draining' },
        { instance: 'b', state: 'draining' },
      ],
    },
  ]
  expect(await begin()).toBe('alone')
  expect(nowMs).toBe(0)
})

test('the others must have been up for a while: what they said before tells nothing', async () => {
  script = [
    { fromMs: 0, routers: [{ instance: 'b', state: 'up' }] },
    { fromMs: 500, routers: [{ instance: 'b', state: 'announcing' }] },
    { fromMs: 3000, routers: [{ instance: 'b', state: 'up' }] },
  ]
  expect(await begin()).toBe('handed over')
  expect(nowMs).toBeGreaterThanOrEqual(3000 + UP_FOR_MS)
})

test('it waits for no longer than it may', async () => {
  script = [{ fromMs: 0, routers: [{ instance: 'b', state: 'announcing' }] }]
  expect(await begin(3000)).toBe('late')
  expect(nowMs).toBe(3000)
})
