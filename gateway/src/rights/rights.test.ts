import { type GivenRight, parseRoom, type Room } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { settled } from '../../../test/harness/request-fakes.ts'
import { fakeConnection, principalOf } from '../../../test/harness/session-fakes.ts'
import { type Answer, ok, type Refusal, refusal, unavailable } from '../session/answer.ts'
import { createRights } from './rights.ts'
import { infoIn } from './room-rights.ts'

const TICK_MS = 250
const room = (name: string): Room => parseRoom(name, 128) as Room
const given = (fields: Partial<GivenRight> = {}): GivenRight => ({
  ttlMs: null,
  info: undefined,
  limits: {},
  ...fields,
})

/** Rights over a service that is the test's: each question waits for its answer. */
function build({ roomsMax = 4 } = {}) {
  const asked: { action: string; room: string; answer: (answer: GivenRight | Refusal) => Promise<void> }[] = []
  const ended: [string, string][] = []
  const state = { now: 0, connected: true, pending: 0, renewed: 0, decides: true }
  const rights = createRights({
    authoriser: {
      room: (action, _, { name }) =>
        new Promise((resolve) => {
          asked.push({
            action,
            room: name,
            answer: async (answer) => {
              resolve(answer)
              await settled()
            },
          })
        }),
    },
    connected: () => state.connected,
    pending: () => state.pending,
    decides: () => state.decides,
    roomsMax,
    nowMs: () => state.now,
    tickMs: TICK_MS,
    onRenewed: () => state.renewed++,
    onEnded: (_, { name }, { code }) => ended.push([name, code]),
  })
  const connection = fakeConnection()
  const sent: string[] = []
  return {
    state,
    rights,
    connection,
    asked,
    ended,
    sent,
    pass(ms: number): void {
      for (let at = 0; at < ms; at += TICK_MS) {
        state.now += TICK_MS
        rights.tick()
      }
    },
    async publish(name: string, what = name, bytes = 1): Promise<Answer> {
      const proceed = (): Answer => {
        sent.push(what)
        return ok()
      }
      const payload = { kind: 'json', bytes: new Uint8Array(bytes) } as const
      return (await rights.publish(connection, room(name), { payload, event: undefined, proceed })) as Answer
    },
  }
}

describe('the right to be in a room', () => {
  test('without an end is never asked for again', () => {
    const { rights, connection, asked, pass } = build()
    rights.hold(connection, room('a'), given())
    pass(200_000)
    expect(asked).toEqual([])
    expect(rights.mayRead(connection, room('a'))).toBeNull()
  })

  test('is asked for again at its end, however far that is, and not more often than once a second', async () => {
    const { rights, connection, asked, pass, state } = build()
    rights.hold(connection, room('a'), given({ ttlMs: 300_000, info: 'old' }))
    pass(299_500)
    expect(asked).toHaveLength(0)
    pass(1000)
    expect(asked).toHaveLength(1)
    expect(infoIn(connection, room('a').name)).toBe('old')
    await asked[0]?.answer(given({ ttlMs: 0, info: 'new' }))
    expect([infoIn(connection, room('a').name), state.renewed]).toEqual(['new', 1])
    pass(750)
    expect(asked).toHaveLength(1)
    pass(500)
    expect(asked).toHaveLength(2)
  })

  test.each<[Refusal]>([[refusal('forbidden', 'no')], [refusal('no_service', '')], [refusal('timeout', '')]])(
    'ends the membership where the answer is %j',
    async (answer) => {
      const { rights, connection, asked, pass, ended } = build()
      rights.hold(connection, room('a'), given({ ttlMs: 1000 }))
      pass(1250)
      await asked[0]?.answer(answer)
      expect(ended).toEqual([['a', answer.code]])
    },
  )

  test('is tried again while NATS is away, as nothing is delivered then', async () => {
    const { rights, connection, asked, pass, ended, state } = build()
    rights.hold(connection, room('a'), given({ ttlMs: 1000 }))
    pass(1250)
    state.connected = false
    await asked[0]?.answer(unavailable())
    pass(1250)
    expect([asked.length, ended]).toEqual([2, []])
    state.connected = true
    await asked[1]?.answer(unavailable())
    expect(ended).toEqual([['a', 'unavailable']])
  })

  test('that is refused late harms nobody who has left, or has come back by another', async () => {
    const { rights, connection, asked, pass, ended } = build()
    rights.hold(connection, room('a'), given({ ttlMs: 1000 }))
    pass(1250)
    rights.drop(connection, room('a').name)
    rights.hold(connection, room('a'), given())
    await asked[0]?.answer(refusal('forbidden', ''))
    expect(ended).toEqual([])
    rights.hold(connection, room('b'), given({ ttlMs: 1000 }))
    rights.forget(connection)
    pass(5000)
    expect([asked.length, connection.rights]).toEqual([1, null])
  })

  test('stands back while very many questions wait, and ends where no service decides any more', () => {
    const { rights, connection, asked, pass, state } = build()
    rights.hold(connection, room('a'), given({ ttlMs: 1000 }))
    state.pending = 1000
    pass(3000)
    expect(asked).toHaveLength(0)
    state.pending = 0
    state.decides = false
    pass(500)
    expect([asked.length, connection.rights?.size]).toEqual([0, 0])
  })
})

test('what a service says of a connection in a room is shown there, null included, and the token’s where it says nothing', () => {
  const { rights, connection } = build()
  connection.principal = principalOf('alice', { info: 'token' })
  for (const [info, shown] of [
    [undefined, 'token'],
    [null, null],
    [0, 0],
    [{ role: 'host' }, { role: 'host' }],
  ] as const) {
    rights.hold(connection, room('a'), given({ info }))
    expect(infoIn(connection, room('a').name)).toEqual(shown)
  }
  expect(infoIn(connection, room('b').name)).toBe('token')
})

describe('publishes', () => {
  test('go out in their order whenever their answers come; what is refused lets the next one pass', async () => {
    const { publish, asked, sent } = build()
    const answers = ['1', '2', '3'].map((what) => publish('a', what))
    await asked[2]?.answer(given())
    await asked[1]?.answer(refusal('forbidden', 'no'))
    expect(sent).toEqual([])
    await asked[0]?.answer(given())
    expect((await Promise.all(answers)).map((answer) => answer.ok)).toEqual([true, false, true])
    expect(sent).toEqual(['1', '3'])
  })

  test('of different rooms do not wait for each other', async () => {
    const { publish, asked, sent } = build()
    const first = publish('a')
    const second = publish('b')
    await asked[1]?.answer(given())
    await second
    expect(sent).toEqual(['b'])
    await asked[0]?.answer(given())
    await first
  })

  test('are asked about each time, or until the answer ends, a refresh, or the end of the membership', async () => {
    const { rights, connection, publish, asked, state } = build()
    const once = publish('a')
    await asked[0]?.answer(given())
    await once
    expect(connection.rights?.size).toBe(0)
    for (const end of [
      () => {
        state.now += 5000
      },
      () => rights.refreshed(connection),
    ]) {
      const count = asked.length
      const asking = publish('a')
      await asked[count]?.answer(given({ ttlMs: 5000 }))
      await asking
      await publish('a')
      expect(asked).toHaveLength(count + 1)
      end()
      const again = publish('a')
      expect(asked).toHaveLength(count + 2)
      await asked[count + 1]?.answer(refusal('forbidden', ''))
      await again
    }
  })

  test('keep the least of all bounds, also after leaving and coming back', async () => {
    const { rights, connection, publish, asked, state } = build()
    const limits = { publishesPerSecond: 2, payloadBytesMax: 5 }
    rights.hold(connection, room('a'), given({ limits }))
    expect(rights.withinBounds(connection, room('a').name, 6)).toMatchObject({ code: 'too_large' })
    expect(rights.withinBounds(connection, room('b').name, 6)).toBeNull()
    expect([1, 2, 3].map(() => rights.withinBounds(connection, room('a').name, 1)?.code)).toEqual([
      undefined,
      undefined,
      'rate_limited',
    ])
    rights.drop(connection, room('a').name)
    rights.hold(connection, room('a'), given({ limits }))
    expect(rights.withinBounds(connection, room('a').name, 1)).toMatchObject({
      code: 'rate_limited',
      retryAfterMs: 500,
    })
    state.now += 10_000
    const small = publish('a', 'small', 4)
    await asked[0]?.answer(given({ limits: { payloadBytesMax: 3 } }))
    expect(await small).toMatchObject({ code: 'too_large' })
  })

  test('leave no more behind than twice the rooms of a connection', async () => {
    const { connection, publish, asked } = build({ roomsMax: 2 })
    for (let at = 0; at < 50; at++) {
      const asking = publish(`room-${at}`)
      await asked[at]?.answer(given({ ttlMs: 60_000 }))
      await asking
    }
    expect(connection.rights?.size).toBe(4)
  })
})
