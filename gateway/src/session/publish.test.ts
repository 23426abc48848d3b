import { createSubjects, namespacesSchema, type Payload, parseRoom, type Room } from '@sluice/proto'
import { Tally } from '@sluice/service/metrics/tally'
import type { HeaderValues } from '@sluice/service/nats/link'
import { describe, expect, test } from 'vitest'
import { NO_RIGHTS } from '../../../test/harness/request-fakes.ts'
import { fakeConnection } from '../../../test/harness/session-fakes.ts'
import type { SpanStart, Tracing } from '../trace/tracing.ts'
import type { Connection } from './connection.ts'
import { publish, type SignedIn, send } from './publish.ts'

interface Published {
  readonly subject: string
  readonly payload: Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

const NAMESPACES = namespacesSchema.parse({
  default: { join: { who: 'anyone' }, publish: { who: 'anyone' } },
  quiet: { publish: { who: 'anyone' }, echo: false },
  members: { publish: { who: 'anyone', joined: true } },
  small: { publish: { who: 'anyone' }, limits: { payloadBytesMax: 10 } },
  private: {},
})

function build({ takes = true, confirms = true, joined = false, denies = '', traced = false } = {}) {
  const published: Published[] = []
  const spans: (SpanStart | string | null)[] = []
  const tracing: Tracing = {
    waiting: 0,
    begin(start) {
      spans.push(start)
      return { traceparent: OURS, end: (error) => spans.push(error) }
    },
    close: async () => undefined,
  }
  const publishes = new Tally()
  const options = {
    backplane: {
      publish(subject: string, payload: Uint8Array, headers: HeaderValues = []): boolean {
        if (takes) published.push({ subject, payload, headers: Object.fromEntries(headers) })
        return takes
      },
      takeDenial: (subject: string) => subject === denies,
      confirm: async () => confirms,
    },
    subjects: createSubjects('sluice'),
    namespaces: () => NAMESPACES,
    nameBytesMax: 128,
    payloadBytesMax: 100,
    topics: { find: () => undefined },
    history: () => null,
    rights: NO_RIGHTS,
    trace: { tracing: traced ? tracing : null, trustClients: true },
    isJoined: (_: Connection, subject: string) => joined && subject === 'sluice.room.members.a',
    counters: { publishes },
  }
  const room = (name: string): Room => parseRoom(name, 128) as Room
  const alice = fakeConnection({ grants: { send: ['bob', 'a b'] } }) as unknown as SignedIn
  return {
    published,
    publishes,
    spans,
    publish: (name: string, fields: object = {}, connection = alice) =>
      publish(connection, { type: 'publish', room: name, payload: json('{"a":1}'), ...fields }, room(name), options),
    send: (fields: object, connection = alice) =>
      send(connection, { type: 'send', payload: json('{"a":1}'), ...fields }, options),
  }
}

const OURS = '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01'
const json = (text: string): Payload => ({ kind: 'json', bytes: Buffer.from(text) })

describe('a publish', () => {
  test('that NATS does not permit is forbidden, though NATS answers the ping after it', async () => {
    const { publish } = build({ denies: 'sluice.room.default.lobby' })
    expect(await publish('lobby')).toMatchObject({ ok: false, code: 'forbidden' })
    expect(await publish('other')).toEqual({ ok: true, fields: {} })
  })

  test('goes to the subject of the room, its payload untouched, from its user and session', async () => {
    const { publish, published, publishes } = build()
    const payload = json(' {"a": 1.0} ')
    expect(await publish('lobby', { payload })).toEqual({ ok: true, fields: {} })
    expect(published).toEqual([
      {
        subject: 'sluice.room.default.lobby',
        payload: payload.bytes,
        headers: { 'Sluice-From': 'alice', 'Sluice-Session': 'gw=2E1' },
      },
    ])
    expect(published[0]?.payload).toBe(payload.bytes)
    expect(publishes.get('room')).toBe(1)
  })

  test('carries its event, and says when it is bytes', async () => {
    const { publish, published } = build()
    await publish('lobby', { event: 'a.b-c_D1', payload: { kind: 'bytes', bytes: Buffer.from([0, 255]) } })
    expect(published[0]?.headers).toEqual({
      'Sluice-From': 'alice',
      'Sluice-Session': 'gw=2E1',
      'Sluice-Event': 'a.b-c_D1',
      'Content-Type': 'application/octet-stream',
    })
  })

  test('is a span until NATS has answered, and goes out under it; what is refused is none', async () => {
    const start = { kind: 'publish', target: 'room', namespace: 'default', stored: false }
    for (const [options, error] of [
      [{}, null],
      [{ takes: false }, 'unavailable'],
      [{ confirms: false }, 'unavailable'],
      [{ denies: 'sluice.room.default.lobby' }, 'forbidden'],
    ] as const) {
      const { publish, published, spans } = build({ ...options, traced: true })
      await publish('lobby')
      expect(spans).toEqual([start, error])
      for (const { headers } of published) expect(headers.traceparent).toBe(OURS)
    }
    const { publish, send, spans } = build({ traced: true })
    await publish('private:a')
    await publish('lobby', { payload: json('1'.repeat(101)) })
    expect(spans).toEqual([])
    await send({ user: 'bob' })
    await send({ session: 'gw.1' })
    expect(spans).toMatchObject([{ target: 'user' }, null, { target: 'session' }, null])
  })

  test('by a user with any name has headers of plain characters', async () => {
    const { publish, published } = build()
    await publish('lobby', {}, fakeConnection({ user: 'ä: b\r\nX' }) as unknown as SignedIn)
    expect(published[0]?.headers['Sluice-From']).toBe('=C3=A4=3A=20b=0D=0AX')
  })

  test.each<[string, boolean | undefined, boolean]>([
    ['lobby', undefined, true],
    ['lobby', true, true],
    ['lobby', false, false],
    ['quiet:a', undefined, false],
    ['quiet:a', true, true],
    ['quiet:a', false, false],
  ])('into %s with echo %s comes back to its connection: %s', async (name, echo, back) => {
    const { publish, published } = build()
    await publish(name, echo === undefined ? {} : { echo })
    expect(published[0]?.headers['Sluice-Exclude-Session']).toBe(back ? undefined : 'gw=2E1')
  })

  test('answers unavailable where NATS is away, and nothing counts as published', async () => {
    const { publish, publishes } = build({ takes: false })
    expect(await publish('lobby')).toMatchObject({ ok: false, code: 'unavailable', retryAfterMs: 2000 })
    expect(publishes.total).toBe(0)
  })

  test('answers unavailable where NATS does not confirm', async () => {
    const { publish } = build({ confirms: false })
    expect(await publish('lobby')).toMatchObject({ ok: false, code: 'unavailable' })
  })

  test.each([
    ['private:a', 'forbidden'],
    ['nowhere:a', 'unknown_namespace'],
    ['members:a', 'not_joined'],
  ])('into %s without the right is %s and writes nothing', async (name, code) => {
    const { publish, published } = build()
    expect(await publish(name)).toMatchObject({ ok: false, code })
    expect(published).toEqual([])
  })

  test('into a room of members is let through for a member', async () => {
    const { publish } = build({ joined: true })
    expect(await publish('members:a')).toMatchObject({ ok: true })
  })

  test.each([
    ['small:a', 10, null],
    ['small:a', 11, 'too_large'],
    ['lobby', 100, null],
    ['lobby', 101, 'too_large'],
  ])('into %s with %i bytes: %s', async (name, bytes, code) => {
    const { publish, published } = build()
    const answer = await publish(name, { payload: json('1'.repeat(bytes)) })
    expect(answer).toMatchObject(code === null ? { ok: true } : { ok: false, code })
    expect(published).toHaveLength(code === null ? 1 : 0)
  })

  test('without a payload is a bad request', async () => {
    const { publish, published } = build()
    expect(await publish('lobby', { payload: undefined })).toMatchObject({ code: 'bad_request' })
    expect(published).toEqual([])
  })

  test('passes its key on as it is', async () => {
    const { publish, published } = build()
    expect(await publish('lobby', { key: 'k 1 é' })).toMatchObject({ ok: true })
    expect(published[0]?.headers).toMatchObject({ 'Sluice-Key': 'k 1 é' })
  })
})

describe('a send', () => {
  test('goes to the subject of the user, and always to all its connections', async () => {
    const { send, published, publishes } = build()
    expect(await send({ user: 'a b' })).toEqual({ ok: true, fields: {} })
    expect(published).toMatchObject([{ subject: 'sluice.user.a=20b' }])
    expect(published[0]?.headers).toEqual({ 'Sluice-From': 'alice', 'Sluice-Session': 'gw=2E1' })
    expect(publishes.get('user')).toBe(1)
  })

  test('to its own session needs no grant, to another one that for every user', async () => {
    const { send, published, publishes } = build()
    expect(await send({ session: 'gw.1' })).toMatchObject({ ok: true })
    expect(await send({ session: 'gw.2' })).toMatchObject({ ok: false, code: 'forbidden' })
    const trusted = fakeConnection({ grants: { send: ['*'] } }) as unknown as SignedIn
    expect(await send({ session: 'other.2' }, trusted)).toMatchObject({ ok: true })
    expect(published.map(({ subject }) => subject)).toEqual(['sluice.session.gw.1', 'sluice.session.other.2'])
    expect(publishes.get('session')).toBe(2)
  })

  test.each<[object, string]>([
    [{ user: 'carol' }, 'forbidden'],
    [{ user: 'a*' }, 'bad_request'],
    [{ session: 'gw.x' }, 'bad_request'],
    [{}, 'bad_request'],
    [{ user: 'bob', payload: json('1'.repeat(101)) }, 'too_large'],
  ])('%j is %s', async (fields, code) => {
    const { send, published } = build()
    expect(await send(fields)).toMatchObject({ ok: false, code })
    expect(published).toEqual([])
  })
})
