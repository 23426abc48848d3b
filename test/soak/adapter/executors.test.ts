import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Iteration, type Outcome, runScenario } from './executors.ts'
import type { AnyScenario } from './script-options.ts'

const COMMON = { name: 's', exec: 'go', startAfterMs: 0, gracefulStopMs: 0 }

async function run(
  scenario: AnyScenario,
  iterate: (iteration: Iteration) => Promise<unknown>,
): Promise<{ outcome: Outcome; seen: Iteration[] }> {
  const seen: Iteration[] = []
  let vus = 0
  const outcome = await runScenario(scenario, {
    nowMs: () => performance.now(),
    pause: (ms, signal) => wait(Math.max(0, ms), undefined, signal && { signal }).catch(() => undefined),
    nextVu: () => ++vus,
    async iterate(iteration) {
      seen.push(iteration)
      await iterate(iteration)
    },
  })
  return { outcome, seen }
}

describe('iterations for each user', () => {
  const scenario = { ...COMMON, executor: 'per-vu-iterations', vus: 3, iterations: 2, maxDurationMs: 60_000 } as const

  test('are as many as were asked for, each user one after the other', async () => {
    const { outcome, seen } = await run(scenario, async () => wait(1))
    expect(outcome).toEqual({ iterations: 6, interrupted: 0, dropped: 0 })
    expect(seen.map(({ inTest }) => inTest)).toEqual([0, 1, 2, 3, 4, 5])
    expect(seen.map(({ vu, inVu }) => `${vu}.${inVu}`).sort()).toEqual(['1.0', '1.1', '2.0', '2.1', '3.0', '3.1'])
  })

  test('that are not over in time are interrupted, and none begins after that', async () => {
    const { outcome, seen } = await run({ ...scenario, maxDurationMs: 20, gracefulStopMs: 20 }, ({ vu }) =>
      vu === 1 ? new Promise(() => undefined) : wait(30),
    )
    expect(outcome.interrupted).toBeGreaterThanOrEqual(1)
    expect(seen.filter(({ vu }) => vu === 1)).toHaveLength(1)
  })
})

test('users who stay begin anew until the time is over, and may end what they have begun', async () => {
  const scenario = { ...COMMON, executor: 'constant-vus', vus: 2, durationMs: 100, gracefulStopMs: 60_000 } as const
  const { outcome, seen } = await run(scenario, () => wait(5))
  expect(outcome).toEqual({ iterations: seen.length, interrupted: 0, dropped: 0 })
  expect(seen.length).toBeGreaterThanOrEqual(4)
  expect(new Set(seen.map(({ vu }) => vu))).toEqual(new Set([1, 2]))
})

describe('arrivals', () => {
  const scenario = {
    ...COMMON,
    executor: 'constant-arrival-rate',
    rate: 50,
    timeUnitMs: 1000,
    durationMs: 200,
    maxVus: 4,
    gracefulStopMs: 60_000,
  } as const

  test('come at their rate, whoever is free', async () => {
    const { outcome, seen } = await run(scenario, () => wait(1))
    expect(outcome.iterations + outcome.dropped).toBe(10)
    expect(outcome.interrupted).toBe(0)
    expect(seen.every(({ vu }) => vu >= 1 && vu <= 4)).toBe(true)
  })

  test('that find nobody free are dropped, and counted', async () => {
    let release = (): void => undefined
    const busy = new Promise<void>((resolve) => {
      release = resolve
    })
    const running = run(scenario, () => busy)
    await wait(250)
    release()
    const { outcome } = await running
    expect(outcome).toEqual({ iterations: 4, interrupted: 0, dropped: 6 })
  })
})
