import { describe, expect, test } from 'vitest'
import { decideReadiness, type ReadinessState } from './readiness.ts'

const GRACE_MS = 30_000
const WELL: ReadinessState = {
  started: true,
  historyMade: true,
  draining: false,
  natsAwaySince: null,
  natsUnauthorized: false,
  leaseRenewedAt: 0,
}

describe('a router', () => {
  test('that is well is ready', () => {
    expect(decideReadiness(WELL, GRACE_MS, GRACE_MS)).toEqual({ ready: true, reasons: [] })
  })

  test('stays ready while NATS is away for no longer than the grace', () => {
    expect(decideReadiness({ ...WELL, natsAwaySince: 0 }, GRACE_MS, GRACE_MS).ready).toBe(true)
  })

  test.each<[string, Partial<ReadinessState>, number, string[]]>([
    ['that has not loaded its shards', { started: false, leaseRenewedAt: null }, 0, ['starting']],
    ['whose streams of history are not all there', { historyMade: false }, 0, ['waiting_for_history']],
    ['that drains', { draining: true }, 0, ['draining']],
    ['whose credentials NATS refuses', { natsUnauthorized: true }, 0, ['nats_unauthorized']],
    ['without NATS past the grace', { natsAwaySince: 0 }, GRACE_MS + 1, ['nats_disconnected']],
    ['that could not renew its lease', {}, GRACE_MS + 1, ['lease_overdue']],
  ])('%s is not', (_, state, nowMs, expected) => {
    expect(decideReadiness({ ...WELL, ...state }, nowMs, GRACE_MS)).toEqual({ ready: false, reasons: expected })
  })
})
