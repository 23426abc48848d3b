import { describe, expect } from 'vitest'
import { testWithCluster } from '../harness/stage.ts'

const test = testWithCluster()

const VALUES = [
  null,
  true,
  0,
  -1.5,
  1e21,
  Number.MAX_SAFE_INTEGER,
  '',
  'ä — 🙂',
  [],
  {},
  [1, [2, [3, { deep: [null] }]]],
  { text: 'hi', list: [1, 2], nested: { a: null, 'key with spaces': false } },
]
const BYTES = Buffer.from([0, 1, 2, 0xff, 0xfe, 0x80, 10, 13])

describe('JSON and msgpack in one room', () => {
  test('data of either is the same to both', async ({ stage, cluster: { one, two } }) => {
    const text = await (await stage.user(one, 'text')).join('chat:mixed')
    const packed = await (await stage.user(two, 'packed', { encoding: 'msgpack' })).join('chat:mixed')
    for (const publisher of [text, packed]) {
      for (const data of VALUES) {
        await publisher.ok({ type: 'publish', room: 'chat:mixed', data })
        expect((await text.message()).data).toEqual(data)
        expect((await packed.message()).data).toEqual(data)
      }
    }
  })

  test('bytes are base64 in JSON and bin in msgpack', async ({ stage, cluster: { one, two } }) => {
    const text = await (await stage.user(one, 'text')).join('chat:bytes')
    const packed = await (await stage.user(two, 'packed', { encoding: 'msgpack' })).join('chat:bytes')
    await text.ok({ type: 'publish', room: 'chat:bytes', bytes: BYTES.toString('base64') })
    await packed.ok({ type: 'publish', room: 'chat:bytes', data: BYTES })
    for (const _ of [text, packed]) {
      const asText = await text.message()
      expect(asText).toMatchObject({ bytes: BYTES.toString('base64') })
      expect(asText).not.toHaveProperty('data')
      const asBin = await packed.message()
      expect(Buffer.from(asBin.data as Uint8Array)).toEqual(BYTES)
      expect(asBin).not.toHaveProperty('bytes')
    }
  })

  test('no bytes at all are a message too', async ({ stage, cluster: { one, two } }) => {
    const text = await (await stage.user(one, 'text')).join('chat:nothing')
    const packed = await (await stage.user(two, 'packed', { encoding: 'msgpack' })).join('chat:nothing')
    await text.ok({ type: 'publish', room: 'chat:nothing', bytes: '' })
    expect(await text.message()).toMatchObject({ bytes: '' })
    expect(Buffer.from((await packed.message()).data as Uint8Array)).toHaveLength(0)
  })

  test('a msgpack client can do all that a JSON client can', async ({ stage, cluster: { one, two } }) => {
    const ann = await stage.user(one, 'ann', { encoding: 'msgpack' })
    const ben = await stage.user(two, 'packed-ben', { encoding: 'msgpack' })
    await ann.join('chat:packed')
    expect(await ann.refused({ type: 'join', room: 'chat:packed' })).toBe('already_joined')
    await ann.ok({ type: 'send', user: 'packed-ben', data: { a: 1 } })
    expect(await ben.message()).toMatchObject({ user: 'packed-ben', from: 'ann', data: { a: 1 } })
    expect(await ann.request({ type: 'ping' })).toMatchObject({ type: 'pong' })
    await ann.ok({ type: 'leave', room: 'chat:packed' })
  })
})

describe('what an encoding cannot carry', () => {
  test('half of a character harms nobody: escaped in JSON, replaced in msgpack, refused as msgpack text', async ({
    stage,
    cluster: { one, two },
  }) => {
    const text = await (await stage.user(one, 'text')).join('chat:halves')
    const packed = await (await stage.user(two, 'packed', { encoding: 'msgpack' })).join('chat:halves')
    const heard: Buffer[] = []
    packed.socket.on('message', (message) => heard.push(message as Buffer))
    text.raw('{"type":"publish","room":"chat:halves","data":"a\\ud800b"}')
    expect(await text.message()).toMatchObject({ data: 'a\ud800b' })
    expect(await packed.message()).toMatchObject({ data: 'a\ufffdb' })
    expect(heard.at(-1)?.includes(Buffer.from('a\ufffdb'))).toBe(true)

    const frame = Buffer.from(packed.encode({ type: 'publish', room: 'chat:halves', data: 'a?b' }))
    frame[frame.lastIndexOf('?')] = 0xff
    packed.raw(frame)
    expect(await packed.next(({ type }) => type === 'error')).toMatchObject({ code: 'bad_request' })
    await packed.settled()
  })

  test('in JSON, data and bytes must be one of them and bytes canonical base64', async ({
    stage,
    cluster: { one },
  }) => {
    const ann = await stage.user(one, 'ann')
    const bodies = [{}, { data: 1, bytes: '' }, { bytes: 'a' }, { bytes: 'AA' }, { bytes: 'A A=' }, { bytes: 1 }]
    for (const body of bodies) {
      expect(await ann.refused({ type: 'publish', room: 'chat:body', ...body })).toBe('bad_request')
      await ann.settled()
    }
  })

  test('in msgpack, nested bytes, extensions, NaN and keys that are no text are refused', async ({
    stage,
    cluster: { one },
  }) => {
    const ann = await stage.user(one, 'ann', { encoding: 'msgpack' })
    const datas = [[BYTES], { a: BYTES }, new Date(0), Number.NaN, [Number.POSITIVE_INFINITY], new Map([[1, 2]])]
    for (const data of datas) {
      expect(await ann.refused({ type: 'publish', room: 'chat:body', data })).toBe('bad_request')
      await ann.settled()
    }
  })

  test('a message of the other kind closes the socket with 1003', async ({ stage, cluster: { one } }) => {
    const text = await stage.user(one, 'ann')
    text.raw(Buffer.from('{"type":"ping"}'))
    expect((await text.closed).code).toBe(1003)
    const packed = await stage.user(one, 'ann', { encoding: 'msgpack' })
    packed.raw('{"type":"ping"}')
    expect((await packed.closed).code).toBe(1003)
  })
})
