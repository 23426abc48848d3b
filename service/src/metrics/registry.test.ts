import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type LoopMonitor, startLoopMonitor } from './event-loop.ts'
import { type Metric, metricForms } from './metric.ts'
import { type ProcessSample, processMetrics } from './process-metrics.ts'
import { createMetrics, type Metrics } from './registry.ts'
import { Tally } from './tally.ts'

interface Own {
  readonly counters: { sold: number; readonly refused: Tally }
  readonly open: () => boolean
}

const { counter, gauge, tally } = metricForms<Own>('shop_')

const table: readonly Metric<Own & ProcessSample>[] = [
  counter('sold', 'Things that were sold.', ({ counters }) => counters.sold),
  tally('refused', 'reason', 'Customers that were refused.', ({ counters }) => counters.refused),
  gauge('open', '1 while the shop is open.', ({ open }) => Number(open())),
  ...processMetrics('shop_'),
]

let loop: LoopMonitor
let own: Own

beforeEach(() => {
  loop = startLoopMonitor()
  own = { counters: { sold: 0, refused: new Tally(['closed']) }, open: () => true }
})

afterEach(() => loop.stop())

function metrics(): Metrics {
  return createMetrics({ table, own, build: { version: '0.1.0', node: 'v24.0.0', protocol: 1 }, loop })
}

/** The sample lines of one scrape by name and labels. */
async function scrape(from: Metrics): Promise<Map<string, number>> {
  const lines = (await from.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

describe('the metrics', () => {
  test('are the numbers that were counted, at the moment of the scrape', async () => {
    const { counters } = own
    const told = metrics()
    counters.sold = 2
    counters.refused.add('full')
    const first = await scrape(told)
    expect(first.get('shop_sold_total')).toBe(2)
    expect(first.get('shop_refused_total{reason="full"}')).toBe(1)
    expect(first.get('shop_refused_total{reason="closed"}')).toBe(0)
    expect(first.get('shop_open')).toBe(1)
    expect(first.get('shop_build_info{version="0.1.0",node="v24.0.0",protocol="1"}')).toBe(1)

    counters.sold += 1
    counters.refused.add('full')
    const second = await scrape(told)
    expect(second.get('shop_sold_total')).toBe(3)
    expect(second.get('shop_refused_total{reason="full"}')).toBe(2)
  })

  test('are announced by name and type, and nothing else is', async () => {
    const types = [...(await metrics().text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)]
    expect(types.map(([, name, type]) => `${name} ${type}`)).toEqual(table.map(({ name, type }) => `${name} ${type}`))
  })

  test('mix up nothing when two scrapes come at once', async () => {
    const told = metrics()
    const [left, right] = await Promise.all([scrape(told), scrape(told)])
    expect([...left.keys()]).toEqual([...right.keys()])
    expect(left.get('shop_open')).toBe(1)
  })

  test('tell what the process uses', async () => {
    const shown = await scrape(metrics())
    expect(shown.get('process_resident_memory_bytes')).toBeGreaterThan(1e6)
    expect(shown.get('process_cpu_seconds_total')).toBeGreaterThan(0)
    expect(shown.get('shop_heap_limit_bytes')).toBeGreaterThan(shown.get('shop_heap_used_bytes') ?? 0)
    expect(Math.abs((shown.get('process_start_time_seconds') ?? 0) - Date.now() / 1000)).toBeLessThan(3600)
  })

  test('leave out what the platform does not say', () => {
    const open = table.find(({ name }) => name === 'process_open_fds')
    const usage = {
      cpuSeconds: 0,
      residentBytes: 0,
      heapUsedBytes: 0,
      heapLimitBytes: 0,
      externalBytes: 0,
      startSeconds: 0,
      openFiles: null,
      openFilesMax: null,
    }
    const sample = { ...own, loop: loop.take(), build: { version: '', node: '', protocol: 1 }, usage }
    expect(open?.read(sample)).toEqual([])
  })
})
