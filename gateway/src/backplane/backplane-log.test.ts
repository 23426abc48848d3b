import { createLogger } from '@sluice/service/log'
import { createThrottle } from '@sluice/service/throttle'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createCounters } from '../metrics/counters.ts'
import { backplaneEvents } from './backplane-log.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function build() {
  const lines: Record<string, unknown>[] = []
  const log = createLogger({
    level: 'info',
    pretty: false,
    name: 'gw',
    destination: { write: (line: string) => lines.push(JSON.parse(line)) },
  })
  const counters = createCounters()
  const told: string[] = []
  const events = backplaneEvents({
    link: 'data',
    log,
    counters,
    throttle: createThrottle(60_000, () => performance.now()),
    url: ['nats://me:hush@a:4222'],
    setUnauthorized: (unauthorized) => told.push(`unauthorized ${unauthorized}`),
    onBack: () => told.push('back'),
    onGone: () => told.push('gone'),
    random: () => 0.5,
  })
  return { events, counters, told, lines, said: () => lines.map(({ level, msg }) => `${level} ${msg}`) }
}

describe('what happens on NATS', () => {
  test('is logged once for a transition and counted', () => {
    const { events, counters, told, said } = build()
    events.onDown('a:4222')
    events.onUp('a:4222')
    expect(said()).toEqual(['warn NATS is away', 'info NATS is back'])
    expect(counters.natsReconnects).toBe(1)
    expect(told).toEqual(['unauthorized false', 'back'])
  })

  test('never shows a password', () => {
    const { events, lines } = build()
    events.onRetry(new Error('connection refused'), 1)
    events.onDown('nats://me:hush@a:4222')
    expect(lines).toHaveLength(2)
    expect(JSON.stringify(lines)).not.toContain('hush')
  })

  test('takes readiness away while the credentials are refused, and fills no log', () => {
    const { events, counters, told, said } = build()
    for (let at = 0; at < 100; at++) events.onAuthorizationError(new Error('Authorization Violation'))
    expect(counters.natsAuthorizationErrors).toBe(100)
    expect(said()).toEqual(['error NATS refuses the credentials'])
    expect(new Set(told)).toEqual(new Set(['unauthorized true']))
  })

  test('ends the process where the connection is closed for good', () => {
    const { events, told, said } = build()
    events.onClosed(new Error('why'))
    expect(said()).toEqual(['fatal the connection to NATS is closed for good'])
    expect(told).toEqual(['gone'])
  })

  test('leaves a server that stops after a part of five seconds, so that not all gateways leave at once', () => {
    const { events } = build()
    const leave = vi.fn()
    events.onLameDuck(leave)
    vi.advanceTimersByTime(2499)
    expect(leave).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(leave).toHaveBeenCalledOnce()
  })

  test('is counted for each fault and dropped message, and logged once a minute with how many were held back', () => {
    const { events, counters, lines } = build()
    for (let at = 0; at < 5; at++) events.onDropped('not_json', `sluice.room.chat.${at}`)
    for (let at = 0; at < 5; at++) events.onCallbackError(new Error('ours'), 'sluice.room.chat.a')
    for (let at = 0; at < 5; at++) events.onError(new Error('theirs'))
    expect(counters.payloadsDropped.get('not_json')).toBe(5)
    expect(counters.natsErrors).toBe(10)
    expect(lines.map(({ msg }) => msg)).toEqual([
      'a message from NATS was not delivered',
      'fault while delivering a message',
      'error on the connection to NATS',
    ])
    vi.advanceTimersByTime(60_000)
    events.onDropped('not_json', 'sluice.room.chat.x')
    expect(lines.at(-1)).toMatchObject({ reason: 'not_json', subject: 'sluice.room.chat.x', heldBack: 4 })
  })
})
