import { describe, expect, test } from 'vitest'
import { createAddressRates } from './address-rate.ts'

const build = (connectionsPerSecond = 3, signInFailuresPerSecond = 2) =>
  createAddressRates({ connectionsPerSecond, signInFailuresPerSecond })

const times = (count: number, work: () => number): number[] => Array.from({ length: count }, work)

describe('an address', () => {
  test('may connect as often in a second as it says, and then waits', () => {
    const rates = build()
    expect(times(4, () => rates.connect('192.0.2.1', 0))).toEqual([0, 0, 0, 334])
    expect(rates.connect('192.0.2.1', 334)).toBe(0)
    expect(times(4, () => rates.connect('192.0.2.1', 10_000))).toEqual([0, 0, 0, 334])
  })

  test('does not pay for another one', () => {
    const rates = build()
    times(5, () => rates.connect('192.0.2.1', 0))
    expect(rates.connect('192.0.2.2', 0)).toBe(0)
  })

  test('of IPv6 is its whole /64', () => {
    const rates = build()
    const waits = [1, 2, 3, 4].map((host) => rates.connect(`2001:db8::${host}`, 0))
    expect(waits).toEqual([0, 0, 0, 334])
    expect(rates.connect('2001:db8:0:1::1', 0)).toBe(0)
  })

  test('that fails to sign in too often may not connect until that is past', () => {
    const rates = build(1000, 2)
    for (let at = 0; at < 2; at++) rates.failed('192.0.2.1', 0)
    expect(rates.connect('192.0.2.1', 0)).toBe(500)
    expect(rates.connect('192.0.2.1', 499)).toBeGreaterThan(0)
    expect(rates.connect('192.0.2.1', 500)).toBe(0)
  })

  test('pays nothing of its failures for connecting', () => {
    const rates = build(1000, 2)
    times(100, () => rates.connect('192.0.2.1', 0))
    rates.failed('192.0.2.1', 0)
    expect(rates.connect('192.0.2.1', 0)).toBe(0)
    rates.failed('192.0.2.1', 0)
    expect(rates.connect('192.0.2.1', 0)).toBe(500)
  })
})

test('addresses are bounded: the one seen longest ago is forgotten', () => {
  const rates = build(1, 2)
  const address = (at: number): string => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`
  for (let at = 0; at < 10_000; at++) rates.connect(address(at), 0)
  expect(rates.connect(address(0), 0)).toBe(1000)
  rates.connect(address(10_000), 0)
  expect(rates.connect(address(0), 0)).toBe(1000)
  expect(rates.connect(address(1), 0)).toBe(0)
})
