// What services store with plain NATS publishes, and what they can't do with them: a position is the stream's own, whatever headers a
// publisher sets, and what is withheld or malformed keeps its place in everyone's chain.
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { encodeToken } from '@sluice/proto'
import { describe, expect } from 'vitest'
import type { Client, Frame } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { brokenLinks, messagesOf, positionOf, publishTo, testWithHistory } from '../harness/history.ts'
import { store } from '../harness/history-stream.ts'

const test = testWithHistory()

/** Everything that the stream says of a copy, as a publisher would set it. */
const FORGED = {
  'Nats-Stream': 'SLUICE_HISTORY_chat',
  'Nats-Subject': 'sluice.pub.room.chat.other',
  'Nats-Sequence': '9999',
  'Nats-Last-Sequence': '9998',
  'Nats-Time-Stamp': '2099-01-01T00:00:00.000000000Z',
}

function built(values: Readonly<Record<string, string>>) {
  const made = headers()
  for (const [name, value] of Object.entries(values)) made.set(name, value)
  return { headers: made }
}

const placesOf = (client: Client, room: string): object[] =>
  messagesOf(client, room).map(({ data, offset, prev, withheld }) => ({ data, offset, prev, withheld }))

describe('a forged position', () => {
  test('by a core publish to the live room is none: the message is ephemeral', async ({
    stage,
    cluster: { nats, one },
  }) => {
    const ann = await stage.user(one, 'forged-ann')
    const ok = positionOf(await ann.ok({ type: 'join', room: 'chat:forged' }))
    const service = await nats.connect()
    service.publish('sluice.room.chat.forged', '"live"', built(FORGED))
    expect(await ann.message()).toEqual({ type: 'message', room: 'chat:forged', data: 'live' })
    const { offset } = await ann.ok(publishTo('chat:forged', 'stored'))
    await eventually(() => placesOf(ann, 'chat:forged')).toEqual([
      { data: 'live' },
      { data: 'stored', offset, prev: 0 },
    ])
    expect(Number(offset)).toBeLessThan(9999)
    expect(ann.frames.filter(({ type }) => type === 'gap')).toEqual([])
    expect(await ann.ok({ type: 'history', room: 'chat:forged', limit: 10 })).toMatchObject({
      messages: [{ data: 'stored', offset }],
      epoch: ok.epoch,
    })
  })

  test('through the stream has no effect, neither live nor in reads', async ({
    stage,
    cluster: { nats, one, two },
  }) => {
    const ann = await stage.user(one, 'stream-ann')
    const position = positionOf(await ann.ok({ type: 'join', room: 'chat:stream' }))
    const service = await nats.connect()
    const subject = 'sluice.pub.room.chat.stream'
    const first = await store(service, { subject, data: '1', headers: FORGED })
    const second = await store(service, { subject, data: '2', headers: { ...FORGED, 'Nats-Sequence': '1' } })
    const expected = [
      { data: 1, offset: first, prev: 0 },
      { data: 2, offset: second, prev: first },
    ]
    await eventually(() => placesOf(ann, 'chat:stream')).toEqual(expected)
    // From the ring of the one and from the stream by the other.
    for (const gateway of [one, two]) {
      const back = await stage.user(gateway, 'stream-ben')
      const ok = await back.ok({ type: 'join', room: 'chat:stream', since: position })
      expect(ok).toMatchObject({ recovered: true, offset: second })
      expect(brokenLinks(messagesOf(back, 'chat:stream'), position.offset)).toEqual([])
      expect(messagesOf(back, 'chat:stream').map(({ data, offset }) => [data, offset])).toEqual([
        [1, first],
        [2, second],
      ])
      for (const { time } of messagesOf(back, 'chat:stream')) expect(time).toBeLessThan(Date.parse('2098-01-01'))
      const page = await back.ok({ type: 'history', room: 'chat:stream', limit: 10, after: 0 })
      expect((page.messages as Frame[]).map(({ offset }) => offset)).toEqual([first, second])
    }
  })

  test('on the subject of copies, by someone who should not be permitted to publish there, leaves no room in silence', async ({
    stage,
    cluster: { nats, one, two },
  }) => {
    const ann = await stage.user(one, 'copies-ann')
    await ann.ok({ type: 'join', room: 'chat:copies' })
    const service = await nats.connect()
    service.publish('sluice.live.room.chat.copies', '"no place"')
    service.publish('sluice.live.room.chat.copies', '"half a place"', built({ 'Nats-Sequence': '5' }))
    const { offset } = await (await stage.user(two, 'copies-ben')).ok(publishTo('chat:copies', 'real'))
    await eventually(() => placesOf(ann, 'chat:copies')).toEqual([{ data: 'real', offset, prev: 0 }])
  })
})

describe('a service', () => {
  const stored = (service: NatsConnection, room: string, data: string, values: Readonly<Record<string, string>> = {}) =>
    store(service, { subject: `sluice.pub.room.chat.${room}`, data, headers: values })

  test('that publishes into a history with nothing but NATS is heard with an offset', async ({
    stage,
    cluster: { nats, one, two },
  }) => {
    const members = [await stage.user(one, 'plain-ann'), await stage.user(two, 'plain-ben')]
    for (const member of members) await member.ok({ type: 'join', room: 'chat:plain' })
    const service = await nats.connect()
    service.publish('sluice.pub.room.chat.plain', '{"text":"hi", "n":1.0}')
    const from = { 'Sluice-From': encodeToken('the mailer'), 'Sluice-Event': 'mail.new' }
    const offset = await stored(service, 'plain', '[]', from)
    for (const member of members) {
      await eventually(() => messagesOf(member, 'chat:plain')).toMatchObject([
        { data: { text: 'hi', n: 1 }, prev: 0, time: expect.any(Number) },
        { data: [], from: 'the mailer', event: 'mail.new', offset },
      ])
      expect(brokenLinks(messagesOf(member, 'chat:plain'), 0)).toEqual([])
    }
  })

  test('case 60: may keep a stored message from a session or a user, whose chain stays whole', async ({
    stage,
    cluster: { nats, one, two },
  }) => {
    const here = await stage.user(one, 'kept-ann')
    const there = await stage.user(two, 'kept-ann', { encoding: 'msgpack' })
    const ben = await stage.user(two, 'kept-ben')
    const everyone = [here, there, ben]
    for (const member of everyone) await member.ok({ type: 'join', room: 'chat:kept' })
    const service = await nats.connect()
    const without = (name: string, value: string) => ({ [`Sluice-Exclude-${name}`]: encodeToken(value) })
    const a = await stored(service, 'kept', '"no session"', without('Session', here.session))
    const b = await stored(service, 'kept', '"no user"', without('User', 'kept-ann'))
    const c = await stored(service, 'kept', '"all"')
    const whole = [
      { data: 'no session', offset: a, prev: 0 },
      { data: 'no user', offset: b, prev: a },
      { data: 'all', offset: c, prev: b },
    ]
    const withheld = (at: number) => ({ offset: whole[at]?.offset, prev: whole[at]?.prev, withheld: true })
    await eventually(() => placesOf(here, 'chat:kept')).toEqual([withheld(0), withheld(1), whole[2]])
    await eventually(() => placesOf(there, 'chat:kept')).toEqual([whole[0], withheld(1), whole[2]])
    await eventually(() => placesOf(ben, 'chat:kept')).toEqual(whole)
    // What is withheld has nothing but its place.
    expect(messagesOf(here, 'chat:kept')[0]).toEqual({ type: 'message', room: 'chat:kept', ...withheld(0) })
  })

  test('that stores what nobody can be sent leaves a place without content, and is counted', async ({
    stage,
    cluster: { nats, one, two },
  }) => {
    const ann = await stage.user(one, 'poison-ann')
    const ben = await stage.user(one, 'poison-ben', { encoding: 'msgpack' })
    const position = positionOf(await ann.ok({ type: 'join', room: 'chat:poison' }))
    await ben.ok({ type: 'join', room: 'chat:poison' })
    const service = await nats.connect()
    const subject = 'sluice.pub.room.chat.poison'
    const bad = [
      await store(service, { subject, data: 'no json' }),
      await store(service, { subject, data: Buffer.from([0x22, 0xff, 0x22]) }),
      await store(service, { subject, data: '' }),
      await store(service, { subject, data: '1', headers: { 'Sluice-From': '=zz' } }),
    ]
    const good = await store(service, { subject, data: '"sound"' })
    const expected = [...bad.map((offset) => ({ offset, withheld: true })), { offset: good, data: 'sound' }]
    const told = (client: Client) =>
      messagesOf(client, 'chat:poison').map(({ offset, data, withheld }) =>
        withheld === true ? { offset, withheld } : { offset, data },
      )
    for (const member of [ann, ben]) {
      await eventually(() => told(member)).toEqual(expected)
      expect(brokenLinks(messagesOf(member, 'chat:poison'), position.offset)).toEqual([])
    }
    const metrics = await one.metrics()
    for (const reason of ['not_json', 'not_utf8', 'empty', 'bad_header']) {
      expect(metrics.value('payloads_dropped_total', { reason }), reason).toBeGreaterThan(0)
    }
    const back = await stage.user(two, 'poison-ann')
    expect(await back.ok({ type: 'join', room: 'chat:poison', since: position })).toMatchObject({ recovered: true })
    expect(told(back)).toEqual(expected)
    const { messages } = await back.ok({ type: 'history', room: 'chat:poison', limit: 10 })
    expect((messages as Frame[]).map(({ offset, withheld }) => [offset, withheld === true])).toEqual(
      expected.map(({ offset }) => [offset, offset !== good]),
    )
  })
})
