import type { ClientFrameWithPayload } from '@sluice/proto'
import { msgpackCodec } from '@sluice/proto/msgpack'
import { describe, expect, test } from 'vitest'
import { type FakeConnection, fakeConnection, recordedWire } from '../../../test/harness/session-fakes.ts'
import { createReader, type Reader } from './reader.ts'

/** A reader over requests that stay in flight until the test answers them. */
function build({ requestsInFlightMax = 4, framesPerTurnMax = 100_000, connection = fakeConnection() } = {}) {
  const { wire, outbox } = recordedWire()
  const counters = { framesIn: 0, bytesIn: 0 }
  const handled: unknown[] = []
  const clock = { tick: 0 }
  /** What a request does besides being counted. */
  const behaviour = { handle: (_frame: ClientFrameWithPayload): void => undefined, affords: true }
  const reader: Reader = createReader({
    wire,
    requests: {
      handle(of, frame) {
        of.inFlight++
        handled.push(frame.id)
        behaviour.handle(frame)
      },
      afford: () => behaviour.affords,
    },
    requestsInFlightMax,
    framesPerTurnMax,
    tick: () => clock.tick,
    counters,
  })
  return {
    reader,
    connection,
    counters,
    handled,
    clock,
    behaviour,
    answer(times = 1): void {
      for (let at = 0; at < times; at++) {
        connection.inFlight--
        reader.proceed(connection)
      }
    },
    receive(...texts: string[]): void {
      for (const text of texts) reader.receive(connection, Buffer.from(text), false)
    },
    get sent() {
      return outbox.framesOf(connection)
    },
  }
}

const ping = (id: number): string => JSON.stringify({ type: 'ping', id })
const pings = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, at) => ping(from + at))
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at)

describe('reading', () => {
  test('hands frames on as they come, counts them, and notes the sign of life', () => {
    const built = build()
    built.clock.tick = 9
    built.receive(ping(1))
    expect(built.handled).toEqual([1])
    expect(built.counters).toEqual({ framesIn: 1, bytesIn: ping(1).length })
    expect(built.connection.heardTick).toBe(9)
    expect(built.connection.peer.paused).toBe(false)
  })

  test('stops when as many requests are in flight as there may be, and keeps what comes all the same', () => {
    const built = build({ requestsInFlightMax: 4 })
    built.receive(...pings(1, 4))
    expect(built.connection.peer.paused).toBe(true)
    built.receive(...pings(5, 7))
    expect(built.handled).toEqual([1, 2, 3, 4])
    expect(built.connection.backlog).toHaveLength(3)
  })

  test('gives way to others after some frames of a turn, and goes on in the next, in order', async () => {
    const built = build({ requestsInFlightMax: 100, framesPerTurnMax: 3 })
    built.receive(...pings(1, 8))
    expect(built.handled).toEqual(numbers(1, 3))
    expect(built.connection.peer.paused).toBe(true)
    await new Promise((resolve) => setImmediate(resolve))
    expect(built.handled).toEqual(numbers(1, 6))
    built.receive(ping(9))
    await new Promise((resolve) => setImmediate(resolve))
    expect(built.handled).toEqual(numbers(1, 9))
    await new Promise((resolve) => setImmediate(resolve))
    expect(built.connection.peer.paused).toBe(false)
    built.receive(ping(10))
    expect(built.handled).toEqual(numbers(1, 10))
  })

  test('handles what it kept as answers make room, in order', () => {
    const built = build({ requestsInFlightMax: 4 })
    built.receive(...pings(1, 7))
    built.answer()
    expect(built.handled).toEqual(numbers(1, 5))
    built.answer(2)
    expect(built.handled).toEqual(numbers(1, 7))
    expect(built.connection.backlog).toBe(null)
  })

  test('goes on when half of the room is free again, and takes the pause for no silence', () => {
    const built = build({ requestsInFlightMax: 4 })
    built.receive(...pings(1, 4))
    built.answer()
    expect(built.connection.peer.paused).toBe(true)
    built.clock.tick = 500
    built.answer()
    expect(built.connection.peer.paused).toBe(false)
    expect(built.connection).toMatchObject({ paused: false, heardTick: 500 })
    expect(built.connection.peer.pauses).toBe(1)
  })

  test('goes on at the first answer where only one request may be in flight', () => {
    const built = build({ requestsInFlightMax: 1 })
    built.receive(...pings(1, 3))
    expect(built.handled).toEqual([1])
    built.answer()
    built.answer()
    expect(built.handled).toEqual([1, 2, 3])
    expect(built.connection.peer.paused).toBe(true)
    built.answer()
    expect(built.connection.peer.paused).toBe(false)
  })

  test('does not overtake the backlog with a frame that comes while that is worked off', () => {
    const built = build({ requestsInFlightMax: 4 })
    built.receive(...pings(1, 6))
    built.behaviour.handle = ({ id }) => {
      if (id === 5) built.receive(ping(7))
    }
    built.answer(4)
    expect(built.handled).toEqual(numbers(1, 7))
  })

  test('works off thousands of frames that are answered at once without piling up calls', () => {
    const built = build({ requestsInFlightMax: 4 })
    built.reader.hold(built.connection)
    built.connection.phase = 'verifying'
    built.behaviour.handle = () => {
      built.connection.inFlight--
      built.reader.proceed(built.connection)
    }
    built.receive(...pings(1, 20_000))
    expect(built.handled).toEqual([])
    built.connection.phase = 'open'
    built.reader.proceed(built.connection)
    expect(built.handled).toEqual(numbers(1, 20_000))
    expect(built.connection).toMatchObject({ backlog: null, paused: false, inFlight: 0 })
  })

  test('handles thousands of frames of one read that are answered at once', () => {
    const built = build({ requestsInFlightMax: 4 })
    built.behaviour.handle = () => {
      built.connection.inFlight--
      built.reader.proceed(built.connection)
    }
    built.receive(...pings(1, 2000))
    expect(built.handled).toEqual(numbers(1, 2000))
    expect(built.connection.peer.pauses).toBe(0)
  })
})

describe('while a token is looked at', () => {
  test('nothing is handled, and all of it afterwards', () => {
    const built = build({ connection: fakeConnection({ user: null, phase: 'verifying' }) })
    built.reader.hold(built.connection)
    built.receive(...pings(1, 2))
    expect(built.handled).toEqual([])
    expect(built.connection.peer.paused).toBe(true)
    built.connection.phase = 'open'
    built.reader.proceed(built.connection)
    expect(built.handled).toEqual([1, 2])
    expect(built.connection.peer.paused).toBe(false)
  })

  test('that came in a frame, what follows is held as well', () => {
    const built = build()
    built.behaviour.handle = ({ type }) => {
      if (type === 'auth') built.connection.authenticating = true
    }
    built.receive(JSON.stringify({ type: 'auth', token: 't', id: 1 }), ping(2))
    expect(built.handled).toEqual([1])
    expect(built.connection.peer.paused).toBe(true)
    built.connection.authenticating = false
    built.answer()
    expect(built.handled).toEqual([1, 2])
  })
})

describe('after a close', () => {
  test.each(['closing', 'closed'] as const)('nothing is read (%s)', (phase) => {
    const built = build({ connection: fakeConnection({ phase }) })
    built.receive(ping(1))
    expect(built.handled).toEqual([])
    expect(built.counters.framesIn).toBe(0)
  })

  test('that a frame of the backlog brings about, the rest is not handled', () => {
    const built = build({ requestsInFlightMax: 4 })
    built.receive(...pings(1, 8))
    built.behaviour.handle = ({ id }) => {
      if (id === 5) built.connection.phase = 'closing'
    }
    built.answer(4)
    expect(built.handled).toEqual(numbers(1, 5))
    expect(built.connection.peer.paused).toBe(true)
  })
})

describe('a malformed frame', () => {
  test('is answered, with the id if there is one, and the socket stays open', () => {
    const built = build()
    built.receive('hello', '{"type":"join","id":5}')
    expect(built.sent).toMatchObject([
      { type: 'error', code: 'bad_request' },
      { type: 'error', id: 5, code: 'bad_request' },
    ])
    expect(built.connection.peer.closed).toBe(null)
  })

  test('closes at the tenth in a row, not at the ninth', () => {
    const built = build()
    for (let at = 0; at < 9; at++) built.receive('x')
    expect(built.connection.peer.closed).toBe(null)
    built.receive('x')
    expect(built.sent).toHaveLength(10)
    expect(built.connection.peer.closed?.code).toBe(4000)
    built.receive('x')
    expect(built.sent).toHaveLength(10)
  })

  test('starts the count anew after a good one', () => {
    const built = build()
    for (let at = 0; at < 9; at++) built.receive('x')
    built.receive(ping(1))
    for (let at = 0; at < 9; at++) built.receive('x')
    expect(built.connection.peer.closed).toBe(null)
  })

  test('in the backlog is answered in its place', () => {
    const built = build({ requestsInFlightMax: 2 })
    built.receive(ping(1), ping(2), 'x', ping(3))
    expect(built.sent).toEqual([])
    built.answer()
    expect(built.sent).toMatchObject([{ code: 'bad_request' }])
    expect(built.handled).toEqual([1, 2, 3])
  })
})

describe('a frame of unknown type', () => {
  test('is refused and not held against the client', () => {
    const built = build()
    for (let at = 0; at < 20; at++) built.receive('{"type":"later","id":1}')
    expect(built.sent).toHaveLength(20)
    expect(built.sent[0]).toMatchObject({ type: 'error', id: 1, code: 'bad_request' })
    expect(built.connection.peer.closed).toBe(null)
  })

  test('costs its rate', () => {
    const built = build()
    built.behaviour.affords = false
    built.receive('{"type":"later"}')
    expect(built.sent).toEqual([])
  })
})

describe('a WebSocket message of the wrong kind', () => {
  test.each<[string, FakeConnection, boolean]>([
    ['binary to JSON', fakeConnection(), true],
    ['text to MessagePack', fakeConnection({ codec: msgpackCodec }), false],
  ])('closes with 1003: %s', (_, connection, binary) => {
    const built = build({ connection })
    built.reader.receive(connection, Buffer.from(ping(1)), binary)
    expect(built.handled).toEqual([])
    expect(connection.peer.closed?.code).toBe(1003)
  })
})
