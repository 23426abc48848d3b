import { describe, expect, test } from 'vitest'
import { decideReadiness, type ReadinessState } from './readiness.ts'

const GRACE_MS = 30_000
const WELL: ReadinessState = {
  listening: true,
  draining: false,
  natsConnected: true,
  natsUnauthorized: false,
  probeCameBackAt: 0,
  presence: null,
  history: null,
  revocations: null,
}

const reasons = (state: Partial<ReadinessState>, nowMs = 0): readonly string[] =>
  decideReadiness({ ...WELL, ...state }, nowMs, GRACE_MS).reasons

describe('a gateway', () => {
  test('that is well is ready', () => {
    expect(decideReadiness(WELL, 0, GRACE_MS)).toEqual({ ready: true, reasons: [] })
  })

  test.each<[string, Partial<ReadinessState>, number, string[]]>([
    ['without its public port', { listening: false }, 0, ['starting']],
    ['without a probe that came back', { probeCameBackAt: null }, 100_000, ['starting']],
    ['that drains', { draining: true }, 0, ['draining']],
    ['whose credentials NATS refuses', { natsUnauthorized: true, natsConnected: false }, 0, ['nats_unauthorized']],
    ['without NATS past the grace', { natsConnected: false }, GRACE_MS + 1, ['nats_disconnected']],
    ['whose probes fail past the grace', {}, GRACE_MS + 1, ['probe_failed']],
    [
      'that has not announced its presence',
      { presence: { announced: false, leaseAgeMs: null } },
      0,
      ['starting', 'waiting_for_buckets'],
    ],
    ['whose streams are not there yet', { history: { streamsSeen: false } }, 0, ['starting', 'waiting_for_streams']],
    [
      'that has never known which tokens are revoked',
      { revocations: { seen: false, unreadableSince: 0 } },
      0,
      ['starting', 'revocations_unreadable'],
    ],
    [
      'that has not known it for longer than the grace',
      { revocations: { seen: true, unreadableSince: -1 }, probeCameBackAt: GRACE_MS },
      GRACE_MS,
      ['revocations_unreadable'],
    ],
    [
      'that could not renew its lease',
      { presence: { announced: true, leaseAgeMs: GRACE_MS + 1 } },
      0,
      ['lease_overdue'],
    ],
    [
      'that drains without NATS',
      { draining: true, natsConnected: false },
      GRACE_MS + 1,
      ['draining', 'nats_disconnected'],
    ],
  ])('%s is not', (_, state, nowMs, expected) => {
    expect(reasons(state, nowMs)).toEqual(expected)
    expect(decideReadiness({ ...WELL, ...state }, nowMs, GRACE_MS).ready).toBe(false)
  })

  test('with a lease that is held is ready', () => {
    expect(reasons({ presence: { announced: true, leaseAgeMs: 2000 } })).toEqual([])
  })

  test('that knows which tokens are revoked is ready, also while it does not for no longer than the grace', () => {
    expect(reasons({ revocations: { seen: true, unreadableSince: null } })).toEqual([])
    expect(reasons({ revocations: { seen: true, unreadableSince: 0 } }, GRACE_MS)).toEqual([])
  })

  test('stays ready while NATS is away for no longer than the grace', () => {
    expect(reasons({ natsConnected: false }, GRACE_MS)).toEqual([])
  })
})
