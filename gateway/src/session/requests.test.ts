import { describe, expect, test } from 'vitest'
import { fakeRequests, later, settled } from '../../../test/harness/request-fakes.ts'
import { ok, refusal } from './answer.ts'

describe('a request', () => {
  test('with an id is answered once, and then its id may be used again', async () => {
    const built = fakeRequests()
    built.handle({ type: 'join', id: 1, room: 'a' })
    built.handle({ type: 'join', id: 1, room: 'a' })
    await settled()
    expect(built.sent).toEqual([
      { type: 'ok', id: 1 },
      { type: 'ok', id: 1 },
    ])
    expect(built.connection).toMatchObject({ inFlight: 0, ids: null, phase: 'open' })
    expect(built.answered).toHaveLength(2)
  })

  test('without an id is answered only if it fails', () => {
    const built = fakeRequests()
    built.starts.push(
      () => ok(),
      () => refusal('forbidden', 'no'),
    )
    built.handle({ type: 'publish', room: 'a' })
    expect(built.sent).toEqual([])
    built.handle({ type: 'publish', room: 'a' })
    expect(built.sent).toEqual([{ type: 'error', code: 'forbidden', message: 'no' }])
  })

  test('is in flight until it is answered', async () => {
    const built = fakeRequests()
    const work = later()
    built.starts.push(work.start)
    built.handle({ type: 'publish', id: 'x', room: 'a' })
    expect(built.connection).toMatchObject({ inFlight: 1, ids: ['x'] })
    expect(built.answered).toEqual([])
    await work.answer(ok())
    expect(built.connection).toMatchObject({ inFlight: 0, ids: null })
    expect(built.answered).toEqual([built.connection])
  })

  test.each([[1], ['x']])('with an id that is in flight (%j) closes with 4000', (id) => {
    const built = fakeRequests()
    built.starts.push(later().start)
    built.handle({ type: 'publish', id, room: 'a' })
    built.handle({ type: 'publish', id, room: 'b' })
    expect(built.connection.peer.closed?.code).toBe(4000)
    expect(built.sent).toEqual([])
  })

  test('with the text of a number for an id is another one', async () => {
    const built = fakeRequests()
    const work = later()
    built.starts.push(work.start)
    built.handle({ type: 'publish', id: 1, room: 'a' })
    built.handle({ type: 'publish', id: '1', room: 'b' })
    await work.answer(ok())
    expect(built.sent).toEqual([
      { type: 'ok', id: '1' },
      { type: 'ok', id: 1 },
    ])
  })

  test('that is answered after the close is answered to nobody', async () => {
    const built = fakeRequests()
    const work = later()
    built.starts.push(work.start)
    built.handle({ type: 'publish', id: 1, room: 'a' })
    built.connection.phase = 'closed'
    await work.answer(ok())
    expect(built.sent).toEqual([])
    expect(built.answered).toEqual([])
    expect(built.connection.inFlight).toBe(0)
  })

  test.each(['closing', 'closed'] as const)('that arrives when the connection is %s is dropped', (phase) => {
    const built = fakeRequests({ phase })
    built.handle({ type: 'publish', id: 1, room: 'a' })
    expect(built.connection.inFlight).toBe(0)
  })

  test('that fails by a fault of ours, at once or later, is answered internal, and the fault is told', async () => {
    const built = fakeRequests()
    const fault = new Error('ours')
    built.starts.push(
      () => {
        throw fault
      },
      () => Promise.reject(fault),
    )
    built.handle({ type: 'publish', id: 1, room: 'a' })
    built.handle({ type: 'publish', id: 2, room: 'b' })
    await settled()
    expect(built.sent).toMatchObject([
      { type: 'error', id: 1, code: 'internal' },
      { type: 'error', id: 2, code: 'internal' },
    ])
    expect(built.faults).toEqual([
      ['publish', fault],
      ['publish', fault],
    ])
    expect(built.connection).toMatchObject({ inFlight: 0, phase: 'open' })
  })

  test('that publishes and fails is counted by its code', () => {
    const built = fakeRequests()
    built.starts.push(
      () => refusal('forbidden', 'no'),
      () => refusal('unavailable', 'no'),
      () => refusal('room_limit', 'no'),
    )
    for (const type of ['publish', 'send', 'join'] as const) built.handle({ type, room: 'a' })
    expect([...built.counters.publishFailures.entries()]).toEqual([
      ['forbidden', 1],
      ['unavailable', 1],
    ])
  })
})

describe('ping', () => {
  test('is answered by pong, with the id it has', () => {
    const built = fakeRequests()
    built.handle({ type: 'ping' })
    built.handle({ type: 'ping', id: 3 })
    expect(built.sent).toEqual([{ type: 'pong' }, { type: 'pong', id: 3 }])
  })
})

describe('before signing in', () => {
  test.each(['publish', 'join', 'ping', 'send', 'leave'])('%s is refused, and the connection stays', (type) => {
    const built = fakeRequests({ user: null })
    built.handle({ type, id: 1, room: 'a' })
    expect(built.sent).toMatchObject([{ type: 'error', id: 1, code: 'unauthorized' }])
    expect(built.connection.peer.closed).toBe(null)
  })

  test('refusals cost their rate, and too many of them close', () => {
    const built = fakeRequests({ user: null })
    for (let at = 0; at < 105; at++) built.handle({ type: 'ping' })
    const codes = built.sent.map((frame) => (frame.type === 'error' ? frame.code : frame.type))
    expect(codes.slice(0, 6)).toEqual([...Array<string>(5).fill('unauthorized'), 'rate_limited'])
    expect(built.connection.peer.closed?.code).toBe(4029)
  })

  test('auth is handled, and what follows is for the reader to hold', async () => {
    const work = later()
    const built = fakeRequests({ user: null, authenticate: async () => work.start() })
    built.handle({ type: 'auth', id: 1, token: 't' })
    expect(built.connection).toMatchObject({ authenticating: true, inFlight: 1 })
    built.connection.phase = 'open'
    await work.answer(ok({ expiresAt: 5 }))
    expect(built.connection).toMatchObject({ authenticating: false, inFlight: 0 })
    expect(built.sent).toEqual([{ type: 'ok', id: 1, expiresAt: 5 }])
    expect(built.answered).toEqual([built.connection])
  })

  test('a fault in authenticating is answered internal and ends the holding', async () => {
    const built = fakeRequests({ authenticate: () => Promise.reject(new Error('ours')) })
    built.handle({ type: 'auth', id: 1, token: 't' })
    await settled()
    expect(built.sent).toMatchObject([{ type: 'error', id: 1, code: 'internal' }])
    expect(built.connection.authenticating).toBe(false)
    expect(built.faults).toHaveLength(1)
  })
})
