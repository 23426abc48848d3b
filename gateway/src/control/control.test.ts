import { setImmediate } from 'node:timers/promises'
import {
  createSubjects,
  encodeControl,
  type GatewayId,
  type RoomName,
  type SessionId,
  type UserName,
} from '@sluice/proto'
import { Tally } from '@sluice/service/metrics/tally'
import { describe, expect, test } from 'vitest'
import { listenToControl } from './control.ts'

const subjects = createSubjects('sluice')
const gateway = 'gw' as GatewayId
const session = (number: number, of = 'gw'): SessionId => `${of}.${number}` as SessionId

function build(open: readonly number[] = [1, 2, 3]) {
  const heard = new Map<string, (message: never) => void>()
  const answers: unknown[] = []
  const closed: [number, number, string][] = []
  const moved: object[] = []
  const controls = new Tally()
  const acted: object[] = []
  const faults: unknown[] = []
  const clock = { nowMs: 0 }
  listenToControl({
    nats: {
      subscribe(subject, deliver) {
        heard.set(subject, deliver as (message: never) => void)
        return { denied: false, unsubscribe: () => undefined }
      },
      publish(subject, payload) {
        answers.push([subject, JSON.parse(Buffer.from(payload).toString())])
        return true
      },
    },
    subjects,
    gateway,
    close(number, code, reason) {
      if (!open.includes(number)) return false
      closed.push([number, code, reason])
      return true
    },
    move: (wish) => {
      moved.push(wish)
      return 7
    },
    follows: (subject) => (subject.endsWith('.a') ? 1 : 0),
    acts: {
      disconnect(control) {
        acted.push(control)
        return acted.length
      },
      join: async (control) => acted.push(control),
      leave: () => Promise.reject(new Error('broken')),
    },
    nowMs: () => clock.nowMs,
    onFault: (error, verb) => faults.push([verb, (error as Error).message]),
    counters: { controls },
  })
  async function say(text: string, { reply = 'inbox', subject = 'sluice.ctl.gateway.gw' } = {}): Promise<void> {
    heard.get(subject)?.({ data: new TextEncoder().encode(text), reply } as never)
    await setImmediate()
  }
  return { answers, closed, moved, controls, acted, faults, clock, say }
}

describe('a close', () => {
  test('closes the sessions that are open here, and says how many', async () => {
    const { answers, closed, controls, say } = build()
    const sessions = [session(1), session(3), session(9), session(2, 'other')]
    await say(encodeControl({ verb: 'close', sessions, code: 4030, reason: 'too many' }))
    expect(closed).toEqual([
      [1, 4030, 'too many'],
      [3, 4030, 'too many'],
    ])
    expect(answers).toEqual([['inbox', { v: 1, connections: 2, gateway: 'gw' }]])
    expect(controls.get('close')).toBe(1)
  })

  test('is heard by all gateways as well, and answered to nobody who does not ask', async () => {
    const { answers, closed, say } = build()
    await say(encodeControl({ verb: 'close', sessions: [session(1)], code: 4005, reason: '' }), {
      subject: 'sluice.ctl.all',
      reply: '',
    })
    expect([closed.length, answers]).toEqual([1, []])
  })
})

test('a verb of a later release is unsupported', async () => {
  const { answers, controls, say } = build()
  await say('{"v":1,"verb":"later","connections":10}')
  expect(answers).toEqual([['inbox', { v: 1, connections: 0, code: 'unsupported', gateway: 'gw' }]])
  expect(controls.get('unsupported')).toBe(1)
})

test('what is malformed is a bad request', async () => {
  const { answers, say } = build()
  for (const text of ['', '{"v":1}', '{"v":1,"verb":"close","sessions":[]}', '{"verb":"close"}']) await say(text)
  expect(answers).toEqual(Array(4).fill(['inbox', { v: 1, connections: 0, code: 'bad_request', gateway: 'gw' }]))
})

test('a newer version is skipped and counted', async () => {
  const { answers, controls, say } = build()
  await say('{"v":2,"verb":"close","who":"everyone"}')
  expect([answers, controls.get('newer')]).toEqual([[], 1])
})

test('a move asks as many as it says, and answers how many were', async () => {
  const { answers, moved, controls, say } = build()
  await say(encodeControl({ verb: 'move', connections: 7, windowMs: 3000, reason: 'rebalance' }))
  await say(encodeControl({ verb: 'move', windowMs: 0, reason: 'all' }))
  expect(moved).toEqual([
    { connections: 7, windowMs: 3000, reason: 'rebalance' },
    { connections: undefined, windowMs: 0, reason: 'all' },
  ])
  expect(answers.at(0)).toEqual(['inbox', { v: 1, connections: 7, gateway: 'gw' }])
  expect(controls.get('move')).toBe(2)
})

describe('an act', () => {
  const user = 'ann' as UserName
  const room = 'lobby' as RoomName
  const disconnect = encodeControl({ verb: 'disconnect', id: 'a', user, reason: 'out' })

  test('is done once for each request id, and answered alike', async () => {
    const { answers, acted, controls, say } = build()
    await say(disconnect)
    await say(disconnect, { subject: 'sluice.ctl.all', reply: 'other' })
    await say(encodeControl({ verb: 'join', id: 'a', user, room }))
    expect(acted).toEqual([
      { verb: 'disconnect', id: 'a', user, reason: 'out' },
      { verb: 'join', id: 'a', user, room },
    ])
    expect(answers).toEqual([
      ['inbox', { v: 1, connections: 1, gateway: 'gw' }],
      ['other', { v: 1, connections: 1, gateway: 'gw' }],
      ['inbox', { v: 1, connections: 2, gateway: 'gw' }],
    ])
    expect(controls.get('disconnect')).toBe(2)
  })

  test('is done again under an id that was forgotten', async () => {
    const { acted, clock, say } = build()
    await say(disconnect)
    clock.nowMs = 120_000
    await say(disconnect)
    expect(acted).toHaveLength(2)
  })

  test('that breaks is answered as not done, and told', async () => {
    const { answers, faults, say } = build()
    await say(encodeControl({ verb: 'leave', id: 'a', user, room, reason: '' }))
    expect(answers).toEqual([['inbox', { v: 1, connections: 0, code: 'unavailable', gateway: 'gw' }]])
    expect(faults).toEqual([['leave', 'broken']])
  })
})

test('how many subjects have members here is what a router asks that gathers receipts', async () => {
  const { answers, say } = build()
  await say(encodeControl({ verb: 'follows', subjects: ['sluice.room.default.a', 'sluice.room.default.b'] }))
  expect(answers).toEqual([['inbox', { v: 1, connections: 1, gateway: 'gw' }]])
})
