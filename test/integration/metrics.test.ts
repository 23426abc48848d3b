import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { test } from '../harness/stage.ts'

test('the metrics tell what has happened', async ({ stage }) => {
  const nats = await stage.nats()
  const gateway = await stage.gateway(nats)
  const ann = await (await stage.user(gateway, 'ann')).join('chat:counted')
  const ben = await (await stage.user(gateway, 'ben')).join('chat:counted')
  const silent = await stage.open(gateway)
  await ann.ok({ type: 'publish', room: 'chat:counted', data: 1 })
  await ann.ok({ type: 'send', user: 'ben', data: 2 })
  await ann.ok({ type: 'send', session: ben.session, data: 3 })
  await ann.refused({ type: 'join', room: 'private:desk' })
  await Promise.all([ann.settled(), ben.settled()])
  const metrics = await gateway.metrics()
  const one = (name: string, labels?: Record<string, string>) => metrics.value(name, labels)
  expect(one('connections')).toBe(3)
  expect(one('connections_signed_in')).toBe(2)
  expect(one('connections_unauthenticated')).toBe(1)
  expect(one('accepts_total')).toBe(3)
  expect(one('rooms')).toBe(1)
  expect(one('users')).toBe(2)
  expect(one('deliveries_total')).toBe(4)
  for (const kind of ['room', 'user', 'session']) expect(one('publishes_total', { kind })).toBe(1)
  expect(one('request_errors_total', { code: 'forbidden' })).toBe(1)
  expect(one('frames_received_total')).toBe(8)
  expect(one('frames_sent_total')).toBe(ann.frames.length + ben.frames.length)
  expect(one('nats_connected')).toBe(1)
  expect(one('ready')).toBe(1)
  expect(one('build_info', { protocol: '1' })).toBe(1)
  expect(one('process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
  expect(one('event_loop_delay_p99_seconds')).toBeLessThan(10)

  await ann.leave(1000)
  ben.raw(Buffer.from([1]))
  silent.socket.terminate()
  await eventually(async () => (await gateway.metrics()).value('connections')).toBe(0)
  const after = await gateway.metrics()
  for (const code of ['1000', '1003', '1006']) expect(after.value('closes_total', { code })).toBe(1)
})

test('every metric of the operators’ page is told, but for labels that never counted', async ({ stage }) => {
  const gateway = await stage.gateway(await stage.nats())
  const page = readFileSync(join(import.meta.dirname, '../../deploy/operators.md'), 'utf8')
  const documented = [...page.matchAll(/^\| `((?:sluice_gateway|process)_\w+)/gm)].map(([, name]) => name ?? '')
  expect(documented.length).toBeGreaterThan(30)
  const text = await (await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`)).text()
  expect(documented.filter((name) => !text.includes(`# TYPE ${name} `))).toEqual([])
})
