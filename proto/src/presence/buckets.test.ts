import { describe, expect, test } from 'vitest'
import { createPresenceStores, firstRevision } from './buckets.ts'

describe('the stores of presence', () => {
  test('derive from the prefix, so that two installations never meet', () => {
    expect(createPresenceStores()).toMatchObject({
      leases: { name: 'sluice_lease', stream: 'KV_sluice_lease' },
      entries: { name: 'sluice_presence_1_64', stream: 'KV_sluice_presence_1_64' },
      events: { stream: 'SLUICE_EVENTS', subjects: 'sluice.event.>' },
    })
    expect(createPresenceStores('dev-2')).toMatchObject({
      leases: { name: 'dev-2_lease', source: '$KV.dev-2_lease.>', destination: 'dev-2.lease.>' },
      entries: { name: 'dev-2_presence_1_64', source: '$KV.dev-2_presence_1_64.>', destination: 'dev-2.presence.>' },
      events: { stream: 'DEV-2_EVENTS', subjects: 'dev-2.event.>' },
    })
    expect(() => createPresenceStores('a.b')).toThrow(RangeError)
  })

  test('have a subject to write a key and one to follow it, and know the key of both', () => {
    const { leases } = createPresenceStores('p')
    expect(leases.subject('gateway.a')).toBe('$KV.p_lease.gateway.a')
    expect(leases.followed('gateway.a')).toBe('p.lease.gateway.a')
    for (const subject of [leases.subject('gateway.a'), leases.followed('gateway.a')])
      expect(leases.keyOf(subject)).toBe('gateway.a')
    for (const subject of ['q.lease.gateway.a', '$KV.q_lease.gateway.a', '$KV.p_leases.gateway.a', 'p.lease'])
      expect(leases.keyOf(subject)).toBeNull()
  })

  test('begin above every revision of a store before them', () => {
    const created = firstRevision(1_790_000_000_000)
    const again = firstRevision(1_790_000_060_000)
    expect(again - created).toBe(60_000_000)
    expect(Number.isSafeInteger(firstRevision(Date.UTC(2255, 0)))).toBe(true)
  })
})
