import { startLoopMonitor } from '@sluice/service/metrics/event-loop'
import { createMetrics } from '@sluice/service/metrics/registry'
import { Tally } from '@sluice/service/metrics/tally'
import { describe, expect, test } from 'vitest'
import { createEndpointStats } from '../api/endpoint-stats.ts'
import { createCounters } from './counters.ts'
import { type Gauges, metricTable } from './metric-table.ts'

const stats = createEndpointStats()
stats.record(1500, null)
stats.record(500, { code: 'unavailable', message: 'not now' })

const gauges: Gauges = {
  natsConnections: () => 3,
  shardsOwned: (scope) => (scope === 'room' ? 64 : 1024),
  shardsLoaded: () => 5,
  rooms: () => 6,
  members: () => 7,
  users: () => 8,
  userConnections: () => 9,
  leases: (tier, state) => (tier === 'gateway' && state === 'dead' ? 1 : 2),
  leaseAgeMs: () => 1500,
  takeViewLagMs: () => null,
  eventsUnacknowledged: () => 10,
  rebalanceExcess: () => null,
  queries: (verb) => (verb === 'presence' ? stats : null),
  historyStreams: (condition) => (condition === 'kept' ? 11 : 0),
  ready: () => true,
  draining: () => false,
}

async function scrape(counters = createCounters()): Promise<Map<string, number>> {
  const loop = startLoopMonitor()
  const build = { version: '0.1.0', node: 'v24.0.0', protocol: 1 }
  const text = await createMetrics({ table: metricTable, own: { counters, gauges }, build, loop }).text()
  loop.stop()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

describe('the metrics', () => {
  test('are the numbers of the moment', async () => {
    const seen = await scrape()
    expect(seen.get('sluice_router_shards_owned{scope="user"}')).toBe(1024)
    expect(seen.get('sluice_router_leases{tier="gateway",state="dead"}')).toBe(1)
    expect(seen.get('sluice_router_lease_age_seconds')).toBe(1.5)
    expect(seen.get('sluice_router_queries_total{verb="presence",result="unavailable"}')).toBe(1)
    expect(seen.get('sluice_router_query_seconds_total{verb="presence"}')).toBe(2)
    expect(seen.get('sluice_router_query_max_seconds{verb="presence"}')).toBe(1.5)
  })

  test('leave out a lag that nothing has shown since the last scrape', async () => {
    expect([...(await scrape()).keys()]).not.toContain('sluice_router_view_lag_seconds')
  })

  test('tell the slowest answer once', async () => {
    await scrape()
    expect((await scrape()).get('sluice_router_query_max_seconds{verb="presence"}')).toBe(0)
  })

  test('show every counter that there is', async () => {
    const counters = createCounters()
    let next = 1000
    for (const [name, counter] of Object.entries(counters)) {
      next += 1
      if (counter instanceof Tally) counter.add('seen', next)
      else Object.assign(counters, { [name]: next })
    }
    const shown = new Set((await scrape(counters)).values())
    for (let value = 1001; value <= next; value++) expect(shown).toContain(value)
  })

  test('keep the conventions of names', () => {
    for (const { name, type, help } of metricTable) {
      expect(name).toMatch(/^(?:sluice_router|process)_[a-z0-9_]+$/)
      expect(name.endsWith('_total'), name).toBe(type === 'counter')
      expect(help, name).toMatch(/^[A-Z0-9].*\.$/)
    }
  })
})
