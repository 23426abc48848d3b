import { expect } from 'vitest'
import { Client } from '../harness/client.ts'
import { countingReader } from '../harness/counting-reader.ts'
import { eventually } from '../harness/eventually.ts'
import { test } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'
import { until } from '../harness/until.ts'

const MiB = 1024 * 1024
const MESSAGES = 1024
const MESSAGE_BYTES = 64 * 1024
/** Messages under way at a time: half of the queue's bound, so that only who does not read runs over it. */
const UNDER_WAY = 8

test('one of fifty who does not read while 64 MiB flow is closed with 4008; the others hear every message', async ({
  stage,
}) => {
  const nats = await stage.nats()
  const gateway = await stage.gateway(nats, { settings: { accept: { userConnectionsMax: 100 } } })
  const readers = await Promise.all(Array.from({ length: 49 }, () => countingReader(stage, gateway, 'chat:flood')))
  const slow = stage.use(new Client(gateway.url, { token: await makeToken('slow') }))
  await slow.welcome()
  await slow.join('chat:flood')
  slow.socket.pause()
  const service = await nats.connect()
  const pad = 'x'.repeat(MESSAGE_BYTES - 40)
  let queueBytesMost = 0
  let resumed = false
  for (let n = 0; n < MESSAGES; n++) {
    service.publish('sluice.room.chat.flood', `{"n":${n},"pad":"${pad}"}`)
    await until(() => readers.every(({ heard }) => heard > n - UNDER_WAY), { timeoutMs: 20_000, everyMs: 1 })
    if (n % 32 !== 0) continue
    const metrics = await gateway.metrics()
    queueBytesMost = Math.max(queueBytesMost, metrics.value('queue_bytes'))
    // It reads again only after it was given up, and then learns why.
    if (!resumed && metrics.value('slow_consumers_total') === 1) {
      resumed = true
      slow.socket.resume()
    }
  }
  await eventually(() => readers.map(({ heard }) => heard)).toEqual(readers.map(() => MESSAGES))
  expect(readers.filter(({ inOrder, closeCode }) => !inOrder || closeCode !== null)).toEqual([])
  expect((await slow.closed).code).toBe(4008)
  const metrics = await gateway.metrics()
  expect(metrics.value('slow_consumers_total')).toBe(1)
  expect(metrics.value('closes_total', { code: '4008' })).toBe(1)
  expect(queueBytesMost).toBeLessThan(readers.length * UNDER_WAY * MESSAGE_BYTES + 2 * MiB)
  expect(metrics.value('queue_bytes')).toBe(0)
})

test('who floods a room without reading what comes of it is closed with 4008, and the room goes on', async ({
  stage,
}) => {
  const gateway = await stage.gateway(await stage.nats())
  const ben = await (await stage.user(gateway, 'ben')).join('chat:self')
  const ann = await (await stage.user(gateway, 'ann')).join('chat:self')
  ann.socket.pause()
  const data = 'x'.repeat(32 * 1024)
  const flooding = setInterval(() => {
    if (ann.socket.bufferedAmount < 8 * MiB)
      for (let n = 0; n < 32; n++) ann.send({ type: 'publish', room: 'chat:self', data })
  }, 5)
  try {
    await eventually(async () => (await gateway.metrics()).value('slow_consumers_total'), 20_000).toBeGreaterThan(0)
  } finally {
    clearInterval(flooding)
  }
  ann.socket.resume()
  await ann.closed
  await ben.next(({ type }) => type === 'message')
  await eventually(async () => (await gateway.metrics()).value('queue_bytes')).toBe(0)
  const fresh = await (await stage.user(gateway, 'fresh')).join('chat:self')
  await fresh.ok({ type: 'publish', room: 'chat:self', data: 'after' })
  expect(await fresh.message()).toMatchObject({ data: 'after' })
})
