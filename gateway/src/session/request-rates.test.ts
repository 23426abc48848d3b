import type { ClientFrameType } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { fakeRequests, later, settled } from '../../../test/harness/request-fakes.ts'
import { ok } from './answer.ts'

describe('rates', () => {
  test.each<ClientFrameType>(['join', 'leave', 'presence', 'history', 'ping', 'auth'])(
    'let through %s as often as the burst says, and refuse the next one',
    async (type) => {
      const built = fakeRequests()
      for (let id = 1; id <= 6; id++) {
        built.handle({ type, id, room: 'a', token: 't' })
        await settled()
      }
      expect(built.sent.map(({ type }) => type === 'error')).toEqual([false, false, false, false, false, true])
      expect(built.sent.at(-1)).toMatchObject({ type: 'error', id: 6, code: 'rate_limited', retryAfterMs: 1000 })
      expect(built.counters.rateLimited).toBe(1)
      built.wait(1000)
      built.handle({ type, id: 7, room: 'a', token: 't' })
      await settled()
      expect(built.sent.at(-1)).toMatchObject({ id: 7 })
      expect(built.sent.at(-1)?.type).not.toBe('error')
    },
  )

  test('count publish, send and call together, apart from everything else', () => {
    const built = fakeRequests()
    for (const type of ['publish', 'send', 'call', 'publish', 'send', 'call']) built.handle({ type, id: 1, room: 'a' })
    expect(built.sent.map((frame) => ('code' in frame ? frame.code : frame.type))).toEqual([
      'ok',
      'ok',
      'ok',
      'ok',
      'ok',
      'rate_limited',
    ])
    built.handle({ type: 'join', id: 2, room: 'a' })
    expect(built.sent.at(-1)).toEqual({ type: 'ok', id: 2 })
  })

  test('refuse in the order of the room, not ahead of what is under way', async () => {
    const built = fakeRequests({ publishRate: { perSecond: 1, burst: 1 } })
    const work = later()
    built.starts.push(work.start)
    built.handle({ type: 'publish', id: 1, room: 'a' })
    built.handle({ type: 'publish', id: 2, room: 'a' })
    expect(built.sent).toEqual([])
    await work.answer(ok())
    expect(built.sent).toMatchObject([
      { type: 'ok', id: 1 },
      { type: 'error', id: 2, code: 'rate_limited' },
    ])
  })

  test.each<[string, object]>([
    ['publish', { type: 'publish', room: 'a' }],
    ['ping', { type: 'ping' }],
    ['auth', { type: 'auth', token: 't' }],
  ])('close with 4029 at the hundredth refusal of %s within ten seconds, after it was told', async (_, frame) => {
    const built = fakeRequests({ publishRate: { perSecond: 1, burst: 1 }, requestRate: { perSecond: 1, burst: 1 } })
    for (let at = 0; at < 100; at++) {
      built.handle(frame)
      await Promise.resolve()
    }
    const refused = (): number => built.sent.filter(({ type }) => type === 'error').length
    await settled()
    const { type } = frame as { type: string }
    const before = refused()
    expect(built.connection.peer.closed).toBe(null)
    for (let at = before; at < 99; at++) built.handle(frame)
    expect([refused(), built.connection.peer.closed]).toEqual([99, null])
    built.handle(frame)
    expect([type, refused(), built.connection.peer.closed?.code]).toEqual([type, 100, 4029])
    expect(built.rateClosed).toEqual([built.connection])
    built.handle(frame)
    expect(refused()).toBe(100)
  })

  test('forgive refusals that are ten seconds old', () => {
    const built = fakeRequests({ requestRate: { perSecond: 1, burst: 1 } })
    for (let at = 0; at < 100; at++) built.handle({ type: 'ping' })
    built.wait(10_001)
    for (let at = 0; at < 100; at++) built.handle({ type: 'ping' })
    expect(built.connection.peer.closed).toBe(null)
  })

  test('hold for frames of unknown type too', () => {
    const built = fakeRequests()
    const afforded = Array.from({ length: 6 }, () => built.requests.afford(built.connection, 9))
    expect(afforded).toEqual([true, true, true, true, true, false])
    expect(built.sent).toMatchObject([{ type: 'error', id: 9, code: 'rate_limited' }])
    for (let at = 0; at < 99; at++) built.requests.afford(built.connection, undefined)
    expect(built.connection.peer.closed?.code).toBe(4029)
  })
})
