import { createSubjects, encodeControl, type GatewayId, type SessionId } from '@sluice/proto'
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
    counters: { controls },
  })
  function say(text: string, { reply = 'inbox', subject = 'sluice.ctl.gateway.gw' } = {}): void {
    heard.get(subject)?.({ data: new TextEncoder().encode(text), reply } as never)
  }
  return { heard, answers, closed, moved, controls, say }
}

describe('a close', () => {
  test('closes the sessions that are open here, and says how many', () => {
    const { answers, closed, controls, say } = build()
    const sessions = [session(1), session(3), session(9), session(2, 'other')]
    say(encodeControl({ verb: 'close', sessions, code: 4030, reason: 'too many' }))
    expect(closed).toEqual([
      [1, 4030, 'too many'],
      [3, 4030, 'too many'],
    ])
    expect(answers).toEqual([['inbox', { v: 1, connections: 2 }]])
    expect(controls.get('close')).toBe(1)
  })

  test('is heard by all gateways as well, and answered to nobody who does not ask', () => {
    const { answers, closed, say } = build()
    say(encodeControl({ verb: 'close', sessions: [session(1)], code: 4005, reason: '' }), {
      subject: 'sluice.ctl.all',
      reply: '',
    })
    expect([closed.length, answers]).toEqual([1, []])
  })
})

test('a verb of a later release is unsupported', () => {
  const { answers, controls, say } = build()
  say('{"v":1,"verb":"later","connections":10}')
  expect(answers).toEqual([['inbox', { v: 1, connections: 0, code: 'unsupported' }]])
  expect(controls.get('unsupported')).toBe(1)
})

test('what is malformed is a bad request', () => {
  const { answers, say } = build()
  for (const text of ['', '{"v":1}', '{"v":1,"verb":"close","sessions":[]}', '{"verb":"close"}']) say(text)
  expect(answers).toEqual(Array(4).fill(['inbox', { v: 1, connections: 0, code: 'bad_request' }]))
})

test('a newer version is skipped and counted', () => {
  const { answers, controls, say } = build()
  say('{"v":2,"verb":"close","who":"everyone"}')
  expect([answers, controls.get('newer')]).toEqual([[], 1])
})

test('a move asks as many as it says, and answers how many were', () => {
  const { answers, moved, controls, say } = build()
  say(encodeControl({ verb: 'move', connections: 7, windowMs: 3000, reason: 'rebalance' }))
  say(encodeControl({ verb: 'move', windowMs: 0, reason: 'all' }))
  expect(moved).toEqual([
    { connections: 7, windowMs: 3000, reason: 'rebalance' },
    { connections: undefined, windowMs: 0, reason: 'all' },
  ])
  expect(answers.at(0)).toEqual(['inbox', { v: 1, connections: 7 }])
  expect(controls.get('move')).toBe(2)
})
