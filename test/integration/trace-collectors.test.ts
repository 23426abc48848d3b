import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect } from 'vitest'
import type { GatewayProcess, Settings } from '../harness/gateway.ts'
import { startOtlpReceiver } from '../harness/otlp-receiver.ts'
import { type Stage, test } from '../harness/stage.ts'
import { until } from '../harness/until.ts'

/** What a gateway has loaded: who asked for what. */
async function loadedBy(stage: Stage, settings: Settings): Promise<readonly Loaded[]> {
  const list = join(stage.folder(), 'loaded.txt')
  const hook = pathToFileURL(join(import.meta.dirname, '../harness/loaded-modules.ts'))
  const gateway = await stage.gateway(await stage.nats(), {
    settings,
    env: { NODE_OPTIONS: `--import=${hook.href}`, LOADED_MODULES: list },
  })
  const ann = await (await stage.user(gateway, 'ann')).join('lobby')
  await ann.ok({ type: 'publish', room: 'lobby', data: 1 })
  await ann.message()
  await gateway.child.stop()
  const lines = readFileSync(list, 'utf8').trimEnd().split('\n')
  return lines.map((line) => {
    const [by = '', url = ''] = line.split(' ')
    return { by, url, package: packageOf(url) }
  })
}

interface Loaded {
  readonly by: string
  readonly url: string
  readonly package: string
}

/** The package of an address; empty for files of ours. */
function packageOf(url: string): string {
  return /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? ''
}

const OURS = '/gateway/src/trace/opentelemetry.ts'

describe('what traces', () => {
  test('is not loaded where no collector is configured', async ({ stage }) => {
    const off = await loadedBy(stage, { trace: { sampleRatio: 1 } })
    // The list is whole: it has files of ours, and packages of both kinds of modules.
    expect(off.some(({ url }) => url.endsWith('/gateway/src/trace/start-tracing.ts'))).toBe(true)
    expect([...new Set(off.map((one) => one.package))]).toEqual(expect.arrayContaining(['ws', 'jose', 'prom-client']))
    expect(off.filter(({ url }) => url.endsWith(OURS))).toEqual([])
    // The library of metrics brings the interfaces for exemplars of its own, and nothing that traces.
    const asked = off.filter((one) => one.package.startsWith('@opentelemetry/'))
    expect(asked.filter((one) => one.package !== '@opentelemetry/api')).toEqual([])
    expect(new Set(asked.map(({ by }) => packageOf(by)))).toEqual(new Set(['prom-client', '@opentelemetry/api']))

    const collector = stage.use(await startOtlpReceiver())
    const on = await loadedBy(stage, { trace: { endpoint: collector.url } })
    expect(on.some(({ url }) => url.endsWith(OURS))).toBe(true)
    expect(on.some((one) => one.package === '@opentelemetry/sdk-trace')).toBe(true)
  })
})

/** Publishes under one connection, each answered, each heard; sampled, so that it makes two spans. */
async function publishes(stage: Stage, gateway: GatewayProcess, count: number): Promise<void> {
  const ann = await (await stage.user(gateway, 'ann')).join('lobby')
  const batch = 50
  for (let from = 0; from < count; from += batch) {
    await Promise.all(
      Array.from({ length: batch }, (_, n) => ann.ok({ type: 'publish', room: 'lobby', data: from + n })),
    )
  }
  await until(() => ann.dataOf('lobby').length === count, { what: 'every message' })
  expect(ann.dataOf('lobby')).toEqual(Array.from({ length: count }, (_, n) => n))
}

describe('a collector', () => {
  test('that is away loses spans and nothing else, and gets them when it is back', async ({ stage }) => {
    const collector = stage.use(await startOtlpReceiver())
    await collector.stop()
    const settings = { trace: { endpoint: collector.url, sampleRatio: 1 } }
    const gateway = await stage.gateway(await stage.nats(), { settings })
    await publishes(stage, gateway, 3000)
    const metrics = await gateway.metrics()
    expect(metrics.value('trace_spans_total', { result: 'dropped' })).toBeGreaterThan(0)
    expect(metrics.value('trace_spans_waiting')).toBeLessThanOrEqual(4096)
    expect(metrics.sum('trace_spans_total') + metrics.value('trace_spans_waiting')).toBe(6000)
    await gateway.logged('spans can not be exported', 20_000)
    await collector.start()
    await gateway.logged('spans are exported again', 20_000)
    await until(async () => (await gateway.metrics()).value('trace_spans_waiting') === 0, {
      what: 'the last batch',
      timeoutMs: 30_000,
    })
    const exported = (await gateway.metrics()).value('trace_spans_total', { result: 'exported' })
    expect(exported).toBeGreaterThan(0)
    expect(collector.spans.length).toBe(exported)
    expect(gateway.log.filter(({ msg }) => msg.startsWith('spans '))).toHaveLength(2)
  })

  test('that answers nothing does not hold up the end of the process', async ({ stage }) => {
    const collector = stage.use(await startOtlpReceiver())
    collector.status = null
    const settings = { trace: { endpoint: collector.url, sampleRatio: 1 } }
    const gateway = await stage.gateway(await stage.nats(), { settings })
    await publishes(stage, gateway, 100)
    await until(() => collector.requests.length > 0, { what: 'a batch', timeoutMs: 15_000 })
    const begun = performance.now()
    expect(await gateway.child.stop()).toEqual({ code: 0, signal: null })
    expect(performance.now() - begun).toBeLessThan(4000)
    expect(await gateway.logged('spans were not exported before the end')).toMatchObject({ level: 'warn', spans: 200 })
  })

  test.for([[400], [503]])('that refuses with %i costs spans and nothing else', async ([status], { stage }) => {
    const collector = stage.use(await startOtlpReceiver())
    collector.status = status ?? 400
    const settings = { trace: { endpoint: collector.url, sampleRatio: 1 } }
    const gateway = await stage.gateway(await stage.nats(), { settings })
    await publishes(stage, gateway, 50)
    await gateway.logged('spans can not be exported', 20_000)
    await until(async () => (await gateway.metrics()).value('trace_spans_total', { result: 'failed' }) === 100, {
      what: 'the count of failed spans',
      timeoutMs: 20_000,
    })
    await publishes(stage, gateway, 50)
  })

  test('gets what waits when a gateway stops', async ({ stage }) => {
    const collector = stage.use(await startOtlpReceiver())
    const settings = { trace: { endpoint: collector.url, sampleRatio: 1 } }
    const gateway = await stage.gateway(await stage.nats(), { settings })
    await publishes(stage, gateway, 1000)
    expect(await gateway.child.stop()).toEqual({ code: 0, signal: null })
    expect(collector.spans).toHaveLength(2000)
    const ids = new Set(collector.spans.map(({ spanId }) => spanId))
    expect(ids.size).toBe(2000)
    const published = collector.spans.filter(({ name }) => name === 'publish')
    expect(published).toHaveLength(1000)
    expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(1000)
  })
})
