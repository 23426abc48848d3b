import { describe, expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { test as plain, testWithCluster } from '../harness/stage.ts'

const test = testWithCluster()
const FRAME = 65_536

/** A publish whose frame has exactly this many bytes. */
function frameOf(bytes: number, room: string): string {
  const empty = JSON.stringify({ id: 1, type: 'publish', room, data: '' })
  return JSON.stringify({ id: 1, type: 'publish', room, data: 'x'.repeat(bytes - empty.length) })
}

describe('at one less, at, and one over', () => {
  test('frameBytesMax: the last closes with 1009', async ({ stage, cluster: { one } }) => {
    const ann = await (await stage.user(one, 'ann')).join('chat:sizes')
    for (const bytes of [FRAME - 1, FRAME]) {
      ann.raw(frameOf(bytes, 'chat:sizes'))
      expect(await ann.next(({ id }) => id === 1)).toMatchObject({ type: 'ok' })
      expect(await ann.message()).toMatchObject({ room: 'chat:sizes' })
    }
    ann.raw(frameOf(FRAME + 1, 'chat:sizes'))
    expect((await ann.closed).code).toBe(1009)
  })

  test('frameBytesMax in msgpack: the last closes with 1009', async ({ stage, cluster: { one } }) => {
    const ann = await (await stage.user(one, 'ann', { encoding: 'msgpack' })).join('chat:bin')
    const encode = (length: number) =>
      ann.encode({ id: 1, type: 'publish', room: 'chat:bin', data: Buffer.alloc(length) })
    // The length of bin takes two bytes here and there.
    const overhead = encode(60_000).length - 60_000
    for (const bytes of [FRAME - 1, FRAME]) {
      const frame = encode(bytes - overhead)
      expect(frame).toHaveLength(bytes)
      ann.raw(frame)
      expect(await ann.next(({ id }) => id === 1)).toMatchObject({ type: 'ok' })
      expect((await ann.message()).data).toHaveLength(bytes - overhead)
    }
    ann.raw(encode(FRAME + 1 - overhead))
    expect((await ann.closed).code).toBe(1009)
  })

  test('nameBytesMax, in bytes of UTF-8 and with the namespace', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    const name = (bytes: number) => `chat:${'x'.repeat(bytes - 5)}`
    await ann.join(name(127))
    await ann.join(name(128))
    expect(await ann.refused({ type: 'join', room: name(129) })).toBe('bad_request')
    const wide = (bytes: number) => `chat:${'ä'.repeat(Math.floor((bytes - 5) / 2))}${'x'.repeat((bytes - 5) % 2)}`
    await ann.join(wide(128))
    expect(await ann.refused({ type: 'join', room: wide(129) })).toBe('bad_request')
    await ann.ok({ type: 'send', user: 'u'.repeat(128), data: 1 })
    expect(await ann.refused({ type: 'send', user: 'u'.repeat(129), data: 1 })).toBe('bad_request')
  })

  test('the event’s name, 64 characters', async ({ stage, cluster: { one } }) => {
    const ann = await (await stage.user(one, 'ann')).join('chat:events')
    for (const length of [63, 64]) {
      await ann.ok({ type: 'publish', room: 'chat:events', data: 1, event: 'e'.repeat(length) })
      expect((await ann.message()).event).toHaveLength(length)
    }
    for (const event of ['e'.repeat(65), '', 'a b', 'a\r\nSluice-From: root', 'ä']) {
      expect(await ann.refused({ type: 'publish', room: 'chat:events', data: 1, event })).toBe('bad_request')
      await ann.settled()
    }
  })

  test('roomsMax: the last is answered `room_limit`', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    for (let n = 1; n <= 128; n++) ann.send({ id: n, type: 'join', room: `chat:${n}` })
    await ann.next(({ type, id }) => type === 'ok' && id === 128)
    expect(await ann.refused({ type: 'join', room: 'chat:129' })).toBe('room_limit')
    await ann.ok({ type: 'leave', room: 'chat:7' })
    await ann.join('chat:129')
    expect(await ann.refused({ type: 'join', room: 'chat:130' })).toBe('room_limit')
  })

  test('a token of 8 KiB in a frame', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    for (const length of [8191, 8192]) {
      expect(await ann.refused({ type: 'auth', token: 't'.repeat(length) })).toBe('unauthorized')
    }
    expect(await ann.refused({ type: 'auth', token: 't'.repeat(8193) })).toBe('bad_request')
  })

  test('nesting of data, 256 levels, of whatever depth fits into a frame', async ({ stage, cluster: { one, two } }) => {
    const ann = await (await stage.user(one, 'ann')).join('chat:deep')
    const packed = await (await stage.user(two, 'ben', { encoding: 'msgpack' })).join('chat:deep')
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    const publish = (id: number, data: string) =>
      ann.raw(`{"id":${id},"type":"publish","room":"chat:deep","data":${data}}`)
    for (const depth of [255, 256]) {
      publish(depth, nested(depth))
      expect(await ann.next(({ id }) => id === depth)).toMatchObject({ type: 'ok' })
      expect(JSON.stringify((await packed.message()).data)).toBe(nested(depth))
    }
    for (const depth of [257, 10_000, 32_000]) {
      publish(depth, nested(depth))
      expect(await ann.next(({ type }) => type === 'error')).toMatchObject({ code: 'bad_request' })
      await ann.settled()
    }
    // As deep as a frame can be: half of it unclosed, which is no JSON, and objects.
    ann.raw('['.repeat(FRAME))
    expect(await ann.next(({ type }) => type === 'error')).toMatchObject({ code: 'bad_request' })
    const objects = 10_000
    publish(9, `${'{"a":'.repeat(objects)}1${'}'.repeat(objects)}`)
    expect(await ann.next(({ type }) => type === 'error')).toMatchObject({ code: 'bad_request' })
    ann.raw(`{"type":${nested(30_000)}}`)
    expect(await ann.next(({ type }) => type === 'error')).toMatchObject({ code: 'bad_request' })
    await ann.settled()
  })

  test('nesting of data in msgpack', async ({ stage, cluster: { one } }) => {
    const ann = await (await stage.user(one, 'ann', { encoding: 'msgpack' })).join('chat:deep-bin')
    const frame = (depth: number): Buffer =>
      Buffer.concat([
        Buffer.from([0x84, 0xa2, 0x69, 0x64, 0x01, 0xa4]), // a map of four, id: 1
        Buffer.from('type'),
        Buffer.from([0xa7]),
        Buffer.from('publish'),
        Buffer.from([0xa4]),
        Buffer.from('room'),
        Buffer.from([0xad]),
        Buffer.from('chat:deep-bin'),
        Buffer.from([0xa4]),
        Buffer.from('data'),
        Buffer.alloc(depth - 1, 0x91), // arrays of one
        Buffer.from([0x90]),
      ])
    for (const depth of [255, 256]) {
      ann.raw(frame(depth))
      expect(await ann.next(({ id }) => id === 1)).toMatchObject({ type: 'ok' })
      await ann.message()
    }
    for (const depth of [257, 65_000]) {
      ann.raw(frame(depth))
      expect(await ann.next(({ type }) => type === 'error')).toMatchObject({ code: 'bad_request' })
      await ann.settled()
    }
  })
})

plain('rates: a burst is admitted whole, the next is told when to come again', async ({ stage }) => {
  const limits = { publishesPerSecond: 1, publishBurst: 20, requestsPerSecond: 1, roomsMax: 10 }
  const gateway = await stage.gateway(await stage.nats(), { settings: { limits } })
  const ann = await stage.user(gateway, 'ann')
  const publish = { type: 'publish', room: 'chat:rates', data: 1 }
  for (let n = 0; n < 20; n++) await ann.ok(publish)
  const refused = await ann.request(publish)
  expect(refused).toMatchObject({ type: 'error', code: 'rate_limited', retryAfterMs: expect.any(Number) })
  expect(refused.retryAfterMs).toBeGreaterThan(0)
  expect(refused.retryAfterMs).toBeLessThanOrEqual(1000)
  expect(await ann.refused({ type: 'send', user: 'ann', data: 1 })).toBe('rate_limited')
  // The other bucket admits all rooms at once, whatever the first has refused.
  for (let n = 0; n < 10; n++) await ann.join(`chat:rates-${n}`)
  expect(await ann.refused({ type: 'leave', room: 'chat:rates-1' })).toBe('rate_limited')
  await eventually(() => ann.request(publish), 3000).toMatchObject({ type: 'ok' })
  expect((await gateway.metrics()).value('rate_limited_total')).toBeGreaterThanOrEqual(3)
})

plain('a namespace may bound its payloads further: `too_large`', async ({ stage }) => {
  const namespaces = { small: { publish: { who: 'anyone' }, limits: { payloadBytesMax: 100 } } }
  const gateway = await stage.gateway(await stage.nats(), { env: { SLUICE_NAMESPACES: JSON.stringify(namespaces) } })
  const ann = await stage.user(gateway, 'ann')
  for (const length of [97, 98]) await ann.ok({ type: 'publish', room: 'small:a', data: 'x'.repeat(length) })
  expect(await ann.refused({ type: 'publish', room: 'small:a', data: 'x'.repeat(99) })).toBe('too_large')
})
