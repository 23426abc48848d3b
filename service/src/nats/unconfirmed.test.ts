import { describe, expect, test } from 'vitest'
import { createUnconfirmed } from './unconfirmed.ts'

const MAX = 100_000

function build() {
  const pings: ((taken: boolean) => void)[] = []
  const confirm = () => new Promise<boolean>((resolve) => pings.push(resolve))
  const unconfirmed = createUnconfirmed(confirm, MAX)
  /** Writes until nothing is admitted; how many bytes were. */
  const fill = (): number => {
    let bytes = 0
    while (unconfirmed.admit(1000)) bytes += 1000
    return bytes
  }
  return { unconfirmed, pings, fill }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('what is on its way to NATS', () => {
  test('is bounded, and one ping is under way for it', () => {
    const { pings, fill } = build()
    expect(fill()).toBeLessThanOrEqual(MAX)
    expect(fill()).toBe(0)
    expect(pings).toHaveLength(1)
  })

  test('goes on once NATS has taken it', async () => {
    const { pings, fill } = build()
    fill()
    pings.shift()?.(true)
    await turn()
    expect(fill()).toBeGreaterThan(0)
  })

  test('is asked about again where no answer came', async () => {
    const { unconfirmed, pings, fill } = build()
    fill()
    pings.shift()?.(false)
    await turn()
    expect(unconfirmed.admit(1000)).toBe(false)
    expect(pings).toHaveLength(1)
  })

  test('is nothing any more after a break', () => {
    const { unconfirmed, fill } = build()
    const first = fill()
    unconfirmed.reset()
    expect(fill()).toBe(first)
  })

  test('is never asked about while little is written', () => {
    const { unconfirmed, pings } = build()
    for (let n = 0; n < 10; n++) expect(unconfirmed.admit(1000)).toBe(true)
    expect(pings).toHaveLength(0)
  })
})
