import { describe, expect, test, vi } from 'vitest'
import { createConfirm } from './confirm.ts'

/** A connection whose pongs come when the test says so. */
function build(waitMs = 10_000) {
  const pongs: { resolve: () => void; reject: (error: Error) => void }[] = []
  const confirm = createConfirm(
    { flush: () => new Promise((resolve, reject) => pongs.push({ resolve, reject })) },
    waitMs,
  )
  return { pongs, confirm }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a confirmation', () => {
  test('comes when NATS has answered a ping that was sent after everything of the turn', async () => {
    const { pongs, confirm } = build()
    let confirmed: boolean | null = null
    void confirm().then((answer) => {
      confirmed = answer
    })
    await Promise.resolve()
    expect(pongs).toHaveLength(0)
    await turn()
    expect([pongs.length, confirmed]).toEqual([1, null])
    pongs[0]?.resolve()
    await vi.waitFor(() => expect(confirmed).toBe(true))
  })

  test('is one ping for all that ask in a turn', async () => {
    const { pongs, confirm } = build()
    const asked = [confirm(), confirm(), Promise.resolve().then(confirm)].flat()
    await turn()
    expect(pongs).toHaveLength(1)
    pongs[0]?.resolve()
    expect(await Promise.all(asked)).toEqual([true, true, true])
  })

  test('of the next turn is another ping, though the first has not been answered', async () => {
    const { pongs, confirm } = build()
    const first = confirm()
    await turn()
    const second = confirm()
    await turn()
    expect(pongs).toHaveLength(2)
    pongs[0]?.resolve()
    expect(await first).toBe(true)
    pongs[1]?.reject(new Error('broken'))
    expect(await second).toBe(false)
  })

  test('is refused where the connection breaks', async () => {
    const { pongs, confirm } = build()
    const asked = confirm()
    await turn()
    pongs[0]?.reject(new Error('disconnected'))
    expect(await asked).toBe(false)
  })

  test('is refused where NATS stays silent, after the wait and not before', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const { confirm } = build(5000)
      let confirmed: boolean | null = null
      void confirm().then((answer) => {
        confirmed = answer
      })
      await turn()
      await vi.advanceTimersByTimeAsync(4999)
      expect(confirmed).toBe(null)
      await vi.advanceTimersByTimeAsync(1)
      expect(confirmed).toBe(false)
    } finally {
      vi.useRealTimers()
    }
  })

  test('that was answered leaves no timer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const { pongs, confirm } = build()
      const asked = confirm()
      await turn()
      expect(vi.getTimerCount()).toBe(1)
      pongs[0]?.resolve()
      await asked
      await turn()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})
