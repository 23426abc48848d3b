import { Tally } from '@sluice/service/metrics/tally'
import { describe, expect, test, vi } from 'vitest'
import { type FakeConnection, fakeConnection, principalOf, recordedWire } from '../../../test/harness/session-fakes.ts'
import { beginJoin, createTopic, finishJoin, leaveAll } from '../fanout/topic.ts'
import type { Topics } from '../fanout/topics.ts'
import { PING_FRAME } from '../outbound/ws-frame.ts'
import { createConnections } from './connections.ts'
import type { Reader } from './reader.ts'
import { createSession, newGatewayId } from './session.ts'

const NOW = 1_700_000_000_000

/** A session whose signing in ends when the test says so, with ticks of 250 ms, heartbeats of 4 and silence of 10 ticks. */
function build() {
  const { wire, outbox, wheel } = recordedWire()
  const connections = createConnections()
  const closes = new Tally()
  const time = { now: NOW, afford: true, paid: 0 }
  const ended: [number, string][] = []
  const read: string[] = []
  const signed: { way: string; done: () => void }[] = []
  const sign = (way: string): Promise<void> => new Promise((done) => signed.push({ way, done }))
  const reader: Reader = {
    receive: (_, message) => read.push(`receive ${message}`),
    hold: () => read.push('hold'),
    proceed: () => read.push('proceed'),
  }
  const session = createSession({
    connections,
    topics: { leaveAll } as Topics,
    outbox,
    wheel,
    wire,
    reader,
    afford: () => {
      time.paid++
      return time.afford
    },
    onEnd: (connection, departure) => ended.push([connection.number, departure]),
    signIn: {
      withToken: (_, token) => sign(token),
      anonymously: () => sign('anonymously'),
      byFrame: () => Promise.reject(new Error('not here')),
    },
    clock: { now: () => time.now, monotonicMs: () => 0 },
    due: { heartbeatTicks: 4, silenceTicks: 10, tickMs: 250 },
    clockToleranceMs: 1000,
    counters: { closes },
  })
  return {
    session,
    connections,
    closes,
    ended,
    time,
    read,
    signed,
    turn(ticks: number): void {
      for (let at = 0; at < ticks; at++) session.tick()
    },
    pings: (connection: FakeConnection): number =>
      outbox.rawOf(connection).filter((frame) => frame === PING_FRAME).length,
    outbox,
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a new socket', () => {
  test('with a token is not read until that was looked at', async () => {
    const built = build()
    const connection = fakeConnection({ user: null, phase: 'verifying' })
    built.session.opened(connection, { token: 'good' })
    expect(built.connections.total).toBe(1)
    expect([built.signed[0]?.way, built.read]).toEqual(['good', ['hold']])
    connection.phase = 'open'
    built.signed[0]?.done()
    await settled()
    expect(built.read).toEqual(['hold', 'proceed'])
  })

  test('that was refused is not read on', async () => {
    const built = build()
    const connection = fakeConnection({ user: null, phase: 'verifying' })
    built.session.opened(connection, 'anonymously')
    connection.phase = 'closing'
    built.signed[0]?.done()
    await settled()
    expect(built.read).toEqual(['hold'])
  })

  test('without a token is read at once, and closed with 4001 at its deadline', () => {
    const built = build()
    const connection = fakeConnection({ user: null })
    built.session.opened(connection, 'by-frame')
    expect(built.read).toEqual([])
    built.turn(39)
    expect(connection.peer.closed).toBe(null)
    built.turn(1)
    expect(connection.peer.closed?.code).toBe(4001)
  })

  test('is not late while its frame auth is looked at', () => {
    const built = build()
    const connection = fakeConnection({ user: null })
    built.session.opened(connection, 'by-frame')
    connection.authenticating = true
    built.turn(80)
    expect(connection.peer.closed).toBe(null)
  })
})

describe('an open socket', () => {
  function open(): ReturnType<typeof build> & { connection: FakeConnection } {
    const built = build()
    const connection = fakeConnection()
    built.session.opened(connection, 'by-frame')
    return { ...built, connection }
  }

  test('that is silent is pinged once, and closed with 4009 when it stays so', () => {
    const { turn, pings, connection } = open()
    turn(3)
    expect(pings(connection)).toBe(0)
    turn(1)
    expect(pings(connection)).toBe(1)
    turn(5)
    expect([pings(connection), connection.peer.closed]).toEqual([1, null])
    turn(1)
    expect(connection.peer.closed?.code).toBe(4009)
  })

  test.each(['pong', 'ping'] as const)('that shows a %s lives on', (sign) => {
    const { turn, pings, connection, session } = open()
    for (let at = 0; at < 10; at++) {
      turn(5)
      if (sign === 'pong') session.pong(connection)
      else session.ping(connection, Buffer.from('x'))
    }
    expect(connection.peer.closed).toBe(null)
    expect(pings(connection)).toBe(10)
  })

  test('has its pings answered with their payload', () => {
    const { session, connection, outbox } = open()
    session.ping(connection, Buffer.from('hi'))
    expect(outbox.rawOf(connection).map(String)).toEqual([Buffer.from([0x8a, 2, 0x68, 0x69]).toString()])
  })

  test('pays for its pings and pongs as for frames, and gets no pong it cannot pay', () => {
    const { session, connection, outbox, time } = open()
    time.afford = false
    session.ping(connection, Buffer.from('hi'))
    expect(outbox.rawOf(connection)).toEqual([])
    expect(time.paid).toBe(1)
    session.pong(connection)
    expect(time.paid).toBe(2)
  })

  test('that is being closed is not listened to, and not even read if it sends on and on', () => {
    const { session, connection, read, outbox } = open()
    connection.phase = 'closing'
    for (let frame = 0; frame < 6000; frame++) {
      session.message(connection, Buffer.from('x'), false)
      session.ping(connection, Buffer.from('x'))
      session.pong(connection)
    }
    expect([read, outbox.rawOf(connection)]).toEqual([[], []])
    expect(connection.peer.paused).toBe(true)
  })

  test('is handed on to the reader with what it sends', () => {
    const { session, connection, read } = open()
    session.message(connection, Buffer.from('x'), false)
    expect(read).toEqual(['receive x'])
  })

  test('is closed with 4002 when its token has ended, the tolerance of clocks included', () => {
    const { session, connection, time, turn } = open()
    connection.principal = { ...principalOf('alice'), expiresAt: NOW + 500 }
    session.reschedule(connection)
    time.now = NOW + 1499
    turn(6)
    session.pong(connection)
    expect(connection.peer.closed).toBe(null)
    time.now = NOW + 1500
    turn(1)
    expect(connection.peer.closed?.code).toBe(4002)
  })

  test('that was refreshed is closed at its new end', () => {
    const { session, connection, time, turn } = open()
    connection.principal = { ...principalOf('alice'), expiresAt: NOW - 500 }
    session.reschedule(connection)
    connection.principal = { ...principalOf('alice'), expiresAt: NOW + 10_000 }
    session.reschedule(connection)
    time.now = NOW + 1000
    turn(3)
    expect(connection.peer.closed).toBe(null)
  })
})

describe('the end of a socket', () => {
  function joined(): ReturnType<typeof build> & { connection: FakeConnection; lobby: ReturnType<typeof createTopic> } {
    const built = build()
    const connection = fakeConnection()
    const lobby = createTopic('sluice.room.default.lobby', { kind: 'room', name: 'lobby' as never })
    built.session.opened(connection, 'by-frame')
    built.connections.signedIn(connection)
    beginJoin(connection, lobby)
    finishJoin(connection, lobby)
    return { ...built, connection, lobby }
  }

  test('takes it out of everything and counts its code', () => {
    const { session, connection, lobby, connections, closes, outbox, turn, pings } = joined()
    connection.backlog = [Buffer.from('x')]
    session.closed(connection, 1001)
    expect(connection).toMatchObject({ phase: 'closed', backlog: null, topics: [] })
    expect(lobby.members).toEqual([])
    expect([connections.total, connections.unauthenticated]).toEqual([0, 0])
    expect(outbox.discarded).toEqual([connection])
    expect([...closes.entries()]).toEqual([[1001, 1]])
    turn(50)
    expect(pings(connection)).toBe(0)
  })

  test('that this gateway has decided counts under its own code', () => {
    const { session, connection, closes, turn } = joined()
    turn(10)
    session.closed(connection, 1006)
    expect([...closes.entries()]).toEqual([[4009, 1]])
  })

  test('by a breach of the WebSocket protocol leaves all rooms at once, and counts under that code', () => {
    const { session, connection, lobby, closes, connections } = joined()
    session.broken(connection, 1009)
    expect(connection.phase).toBe('closing')
    expect(lobby.members).toEqual([])
    expect(connections.total).toBe(1)
    session.closed(connection, 1006)
    expect([...closes.entries()]).toEqual([[1009, 1]])
    expect(connections.total).toBe(0)
  })

  test('by a breach of the WebSocket protocol is not read on, and does not wait for its peer', async () => {
    const { session, connection } = joined()
    session.broken(connection, 1008)
    await vi.waitFor(() => expect(connection.peer.paused).toBe(true))
    await vi.waitFor(() => expect(connection.peer.closed?.code).toBe(1006), { timeout: 3000 })
  })

  test.each([
    [1000, 'clean'],
    [1005, 'clean'],
    [1001, 'broken'],
    [1006, 'broken'],
  ])('with %i of the client is %s', (code, departure) => {
    const { session, connection, ended } = joined()
    session.closed(connection, code)
    expect(ended).toEqual([[1, departure]])
  })

  test('that this gateway has decided is broken, whatever the client answers', () => {
    const { session, connection, ended, turn } = joined()
    turn(10)
    session.closed(connection, 1000)
    expect(ended).toEqual([[1, 'broken']])
  })

  test('that was decided before a breach keeps its code', () => {
    const { session, connection, closes, turn } = joined()
    turn(10)
    session.broken(connection, 1002)
    session.closed(connection, 1006)
    expect([...closes.entries()]).toEqual([[4009, 1]])
  })
})

test('the id of a gateway is of plain characters', () => {
  expect(newGatewayId(() => Uint8Array.from([255, 255, 255, 251, 240, 0, 0, 0, 0]))).toBe('____-_AAAAAA')
})
