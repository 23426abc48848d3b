import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createProbe } from './probe.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function build() {
  const published: string[] = []
  const results: boolean[] = []
  const probe = createProbe({
    backplane: {
      publish: (subject, payload) => {
        published.push(`${subject} ${Buffer.from(payload)}`)
        return true
      },
    },
    subject: 'sluice.session.gw.0',
    everyMs: 5000,
    nowMs: () => performance.now(),
    onResult: (came) => results.push(came),
  })
  return { probe, published, results }
}

describe('the readiness probe', () => {
  test('is sent at once and then at its pace, each with a number of its own, as JSON', () => {
    const { published } = build()
    vi.advanceTimersByTime(10_000)
    expect(published).toEqual(['sluice.session.gw.0 1', 'sluice.session.gw.0 2', 'sluice.session.gw.0 3'])
  })

  test('that comes back is noted with its time', () => {
    const { probe, results } = build()
    expect(probe.cameBackAt).toBe(null)
    vi.advanceTimersByTime(100)
    probe.received(Buffer.from('1'))
    expect([probe.cameBackAt, results]).toEqual([performance.now(), [true]])
  })

  test('that does not come back has failed when the next one is sent', () => {
    const { probe, results } = build()
    vi.advanceTimersByTime(5000)
    expect(results).toEqual([false])
    probe.received(Buffer.from('2'))
    vi.advanceTimersByTime(5000)
    expect(results).toEqual([false, true])
  })

  test('that comes back late, twice, or from somebody else counts for nothing', () => {
    const { probe, results } = build()
    vi.advanceTimersByTime(5000)
    probe.received(Buffer.from('1'))
    probe.received(Buffer.from('x'))
    expect([probe.cameBackAt, results]).toEqual([null, [false]])
    probe.received(Buffer.from('2'))
    probe.received(Buffer.from('2'))
    expect(results).toEqual([false, true])
  })

  test('ends with its stop', () => {
    const { probe, published } = build()
    probe.stop()
    vi.advanceTimersByTime(60_000)
    expect(published).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })
})
