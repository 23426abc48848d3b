import { type LoopMonitor, startLoopMonitor } from '@sluice/service/metrics/event-loop'
import { createMetrics, type Metrics } from '@sluice/service/metrics/registry'
import { Tally } from '@sluice/service/metrics/tally'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createCounters } from './counters.ts'
import { type Gauges, metricTable } from './metric-table.ts'

const gauges: Gauges = {
  connections: () => 3,
  signedIn: () => 2,
  unauthenticated: () => 1,
  rooms: () => 4,
  users: () => 5,
  subscriptions: () => 6,
  queueBytes: () => 7,
  natsConnected: () => true,
  ready: () => true,
  draining: () => false,
  overloaded: () => false,
  drainRemaining: () => 0,
  presenceRooms: () => 8,
  presenceWatchedRooms: () => 9,
  presenceLingering: () => 10,
  presenceLeaseAgeMs: () => 1500,
  traceSpansWaiting: () => 11,
}

let loop: LoopMonitor

beforeEach(() => {
  loop = startLoopMonitor()
})

afterEach(() => loop.stop())

function metricsOf(counters = createCounters()): Metrics {
  const build = { version: '0.1.0', node: 'v24.0.0', protocol: 1 }
  return createMetrics({ table: metricTable, own: { counters, gauges }, build, loop })
}

/** The sample lines of one scrape by name and labels. */
async function scrape(metrics: Metrics): Promise<Map<string, number>> {
  const lines = (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

describe('the metrics', () => {
  test('are the numbers that were counted, at the moment of the scrape', async () => {
    const counters = createCounters()
    const metrics = metricsOf(counters)
    counters.acceptsTotal = 2
    counters.closes.add(4001)
    counters.publishes.add('room', 3)
    const first = await scrape(metrics)
    expect(first.get('sluice_gateway_accepts_total')).toBe(2)
    expect(first.get('sluice_gateway_closes_total{code="4001"}')).toBe(1)
    expect(first.get('sluice_gateway_publishes_total{kind="room"}')).toBe(3)
    expect(first.get('sluice_gateway_publishes_total{kind="user"}')).toBe(0)
    expect(first.get('sluice_gateway_connections')).toBe(3)
    expect(first.get('sluice_gateway_nats_connected')).toBe(1)
    expect(first.get('sluice_gateway_build_info{version="0.1.0",node="v24.0.0",protocol="1"}')).toBe(1)

    counters.acceptsTotal += 1
    counters.closes.add(4001)
    const second = await scrape(metrics)
    expect(second.get('sluice_gateway_accepts_total')).toBe(3)
    expect(second.get('sluice_gateway_closes_total{code="4001"}')).toBe(2)
  })

  test('show every counter that there is', async () => {
    const counters = createCounters()
    let next = 1000
    for (const [name, counter] of Object.entries(counters)) {
      next += 1
      if (counter instanceof Tally) counter.add('seen', next)
      else Object.assign(counters, { [name]: next })
    }
    const shown = new Set((await scrape(metricsOf(counters))).values())
    for (let value = 1001; value <= next; value++) expect(shown).toContain(value)
  })

  test('keep the conventions of names', () => {
    for (const { name, type, help } of metricTable) {
      expect(name).toMatch(/^(?:sluice_gateway|process)_[a-z0-9_]+$/)
      expect(name.endsWith('_total'), name).toBe(type === 'counter')
      expect(help, name).toMatch(/^[A-Z0-9].*\.$/)
    }
  })
})
