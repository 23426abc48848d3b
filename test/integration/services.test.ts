import { headers } from '@nats-io/transport-node'
import { encodeToken } from '@sluice/proto'
import { describe, expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { testWithCluster } from '../harness/stage.ts'

const test = testWithCluster({ settings: { limits: { payloadBytesMax: 65_536 } } })

/** Headers of a push. */
function withHeaders(values: Readonly<Record<string, string>>) {
  const built = headers()
  for (const [name, value] of Object.entries(values)) built.set(name, value)
  return { headers: built }
}

const BYTES = withHeaders({ 'Content-Type': 'application/octet-stream' })

describe('a plain NATS publish', () => {
  test('into a room is delivered as it is, on every gateway', async ({ stage, cluster: { nats, one, two } }) => {
    const members = [await stage.user(one, 'ann'), await stage.user(two, 'ben')]
    for (const member of members) await member.join('chat:lobby')
    const service = await nats.connect()
    service.publish('sluice.room.chat.lobby', '{"text":"hi", "n":1.0}')
    for (const member of members) {
      const message = await member.message()
      expect(message).toEqual({ type: 'message', room: 'chat:lobby', data: { text: 'hi', n: 1 } })
    }
  })

  test('to a user reaches all connections of that user, to a session that one', async ({
    stage,
    cluster: { nats, one, two },
  }) => {
    const here = await stage.user(one, 'push-ann')
    const there = await stage.user(two, 'push-ann')
    const service = await nats.connect()
    service.publish('sluice.user.push-ann', '"both"')
    expect(await here.message()).toEqual({ type: 'message', user: 'push-ann', data: 'both' })
    expect(await there.message()).toEqual({ type: 'message', user: 'push-ann', data: 'both' })
    service.publish(`sluice.session.${there.session}`, '"there"')
    expect(await there.message()).toEqual({ type: 'message', user: 'push-ann', data: 'there' })
    await here.settled()
    expect(here.frames.filter(({ type }) => type === 'message')).toHaveLength(1)
  })

  test('of bytes with their content type is base64 in JSON and bin in msgpack', async ({
    stage,
    cluster: { nats, one, two },
  }) => {
    const text = await (await stage.user(one, 'ann')).join('chat:bytes')
    const packed = await (await stage.user(two, 'ben', { encoding: 'msgpack' })).join('chat:bytes')
    const service = await nats.connect()
    const payload = Buffer.from([0xff, 0x00, 0xc3, 0x28])
    service.publish('sluice.room.chat.bytes', payload, BYTES)
    expect(await text.message()).toEqual({ type: 'message', room: 'chat:bytes', bytes: payload.toString('base64') })
    expect(Buffer.from((await packed.message()).data as Uint8Array)).toEqual(payload)
  })

  test('may say what it is and whom it comes from', async ({ stage, cluster: { nats, one } }) => {
    const ann = await (await stage.user(one, 'ann')).join('chat:signed')
    const service = await nats.connect()
    const from = 'the mailer · ünï'
    const set = { 'Sluice-From': encodeToken(from), 'Sluice-Event': 'mail.new', 'Content-Type': 'application/json' }
    service.publish('sluice.room.chat.signed', '[]', withHeaders(set))
    expect(await ann.message()).toEqual({ type: 'message', room: 'chat:signed', from, event: 'mail.new', data: [] })
  })

  test('case 60: may leave a session or a user out', async ({ stage, cluster: { nats, one, two } }) => {
    const here = await (await stage.user(one, 'left-ann')).join('chat:without')
    const there = await (await stage.user(two, 'left-ann')).join('chat:without')
    const ben = await (await stage.user(two, 'left-ben')).join('chat:without')
    const service = await nats.connect()
    const without = (name: string, value: string) => withHeaders({ [`Sluice-Exclude-${name}`]: encodeToken(value) })
    service.publish('sluice.room.chat.without', '"no session"', without('Session', here.session))
    service.publish('sluice.room.chat.without', '"no user"', without('User', 'left-ann'))
    service.publish('sluice.room.chat.without', '"all"')
    for (const [member, expected] of [
      [here, ['all']],
      [there, ['no session', 'all']],
      [ben, ['no session', 'no user', 'all']],
    ] as const) {
      await eventually(() => member.dataOf('chat:without')).toEqual(expected)
    }
  })

  test('of any size up to the bound is delivered', async ({ stage, cluster: { nats, one } }) => {
    const ann = await (await stage.user(one, 'ann')).join('chat:sizes')
    const service = await nats.connect()
    for (const length of [3, 124, 125, 126, 127, 65_000, 65_534, 65_535, 65_536]) {
      service.publish('sluice.room.chat.sizes', JSON.stringify('x'.repeat(length - 2)))
      expect(((await ann.message()).data as string).length).toBe(length - 2)
    }
  })
})

describe('a payload that cannot be delivered', () => {
  const invalid: [string, string | Uint8Array, ReturnType<typeof withHeaders> | undefined][] = [
    ['empty', '', undefined],
    ['not_utf8', Buffer.from([0x22, 0xff, 0x22]), undefined],
    ['not_utf8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), undefined],
    ['not_json', 'hello', undefined],
    ['not_json', '{"a":1} x', undefined],
    ['not_json', '{"a":1}{"b":2}', undefined],
    ['not_json', '\ufeff{"a":1}', undefined],
    ['not_json', '"line\nbreak"', undefined],
    ['not_json', 'NaN', undefined],
    ['not_json', '"x"},{"type":"message"', undefined],
    ['too_large', JSON.stringify('x'.repeat(65_535)), undefined],
    ['too_large', Buffer.alloc(65_537), BYTES],
    ['content_type', '{}', withHeaders({ 'Content-Type': 'text/plain' })],
    ['bad_header', '{}', withHeaders({ 'Sluice-Event': 'no spaces' })],
    ['bad_header', '{}', withHeaders({ 'Sluice-From': '=zz' })],
    ['bad_header', '{}', withHeaders({ 'Sluice-Exclude-Session': '=41' })],
  ]

  test('is dropped and counted by its reason, and the next one is delivered', async ({
    stage,
    cluster: { nats, one },
  }) => {
    const ann = await (await stage.user(one, 'ann')).join('chat:broken')
    const service = await nats.connect()
    for (const [reason, payload, options] of invalid) {
      const before = (await one.metrics()).value('payloads_dropped_total', { reason })
      service.publish('sluice.room.chat.broken', payload, options)
      service.publish('sluice.room.chat.broken', '"next"')
      expect((await ann.message()).data).toBe('next')
      expect({ reason, count: (await one.metrics()).value('payloads_dropped_total', { reason }) }).toEqual({
        reason,
        count: before + 1,
      })
    }
    expect(ann.dataOf('chat:broken')).toHaveLength(invalid.length)
    const told = one.log.filter(({ msg }) => msg === 'a message from NATS was not delivered')
    expect(new Set(told.map(({ reason }) => reason)).size).toBe(told.length)
  })

  test('to a user or a session is dropped too', async ({ stage, cluster: { nats, one } }) => {
    const ann = await stage.user(one, 'broken-ann')
    const service = await nats.connect()
    for (const subject of ['sluice.user.broken-ann', `sluice.session.${ann.session}`]) {
      service.publish(subject, 'hello')
      service.publish(subject, '"next"')
      expect(await ann.message()).toEqual({ type: 'message', user: 'broken-ann', data: 'next' })
    }
  })

  test('nesting that overflows no parser here or at a client is not delivered deeper than bounded', async ({
    stage,
    cluster: { nats, one, two },
  }) => {
    const text = await (await stage.user(one, 'ann')).join('chat:deep')
    const packed = await (await stage.user(two, 'ben', { encoding: 'msgpack' })).join('chat:deep')
    const service = await nats.connect()
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    service.publish('sluice.room.chat.deep', nested(30_000))
    service.publish('sluice.room.chat.deep', nested(257))
    service.publish('sluice.room.chat.deep', nested(256))
    service.publish('sluice.room.chat.deep', '"next"')
    for (const member of [text, packed]) {
      expect(JSON.stringify((await member.message()).data)).toBe(nested(256))
      expect((await member.message()).data).toBe('next')
    }
  })

  test('on a subject near ours harms nobody', async ({ stage, cluster: { nats, one } }) => {
    const ann = await (await stage.user(one, 'ann')).join('chat:near')
    const service = await nats.connect()
    const gateway = ann.session.split('.')[0]
    for (const subject of [
      `sluice.session.${gateway}.0`,
      `sluice.session.${gateway}.x`,
      `sluice.session.${gateway}.99999999999999999999`,
    ])
      service.publish(subject, '1')
    service.publish('sluice.room.chat.near', '"next"')
    expect((await ann.message()).data).toBe('next')
  })
})
