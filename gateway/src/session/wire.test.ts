import { msgpackCodec } from '@sluice/proto/msgpack'
import { describe, expect, test } from 'vitest'
import { fakeConnection, payloadOf, recordedWire } from '../../../test/harness/session-fakes.ts'
import { beginJoin, createTopic, finishJoin } from '../fanout/topic.ts'
import { ok, refusal, unavailable } from './answer.ts'

describe('a frame', () => {
  test('is a text frame for JSON and a binary one for MessagePack', () => {
    const { wire, outbox } = recordedWire()
    const [json, msgpack] = [fakeConnection({ number: 1 }), fakeConnection({ number: 2, codec: msgpackCodec })]
    wire.send(json, { type: 'pong' })
    wire.send(msgpack, { type: 'pong' })
    expect(outbox.rawOf(json)[0]?.[0]).toBe(0x81)
    expect(outbox.rawOf(msgpack)[0]?.[0]).toBe(0x82)
    expect([json, msgpack].map(outbox.framesOf)).toEqual([[{ type: 'pong' }], [{ type: 'pong' }]])
  })

  test.each(['closing', 'closed'] as const)('is not written to a connection that is %s', (phase) => {
    const { wire, outbox } = recordedWire()
    const connection = fakeConnection({ phase })
    wire.send(connection, { type: 'pong' })
    wire.pong(connection, Buffer.from('x'))
    wire.answer(connection, 1, ok())
    expect(outbox.rawOf(connection)).toEqual([])
  })
})

describe('an answer', () => {
  test('of success carries the id and the fields', () => {
    const { wire, outbox } = recordedWire()
    const connection = fakeConnection()
    wire.answer(connection, 7, ok({ expiresAt: 5 }))
    wire.answer(connection, 'seven', ok())
    expect(outbox.framesOf(connection)).toEqual([
      { type: 'ok', id: 7, expiresAt: 5 },
      { type: 'ok', id: 'seven' },
    ])
  })

  test('of success without an id is not told, a refusal is', () => {
    const { wire, outbox, requestErrors } = recordedWire()
    const connection = fakeConnection()
    wire.answer(connection, undefined, ok())
    wire.answer(connection, undefined, refusal('forbidden', 'no'))
    expect(outbox.framesOf(connection)).toEqual([{ type: 'error', code: 'forbidden', message: 'no' }])
    expect(requestErrors.get('forbidden')).toBe(1)
  })

  test('that NATS is away says when to try again', () => {
    const { wire, outbox } = recordedWire()
    const connection = fakeConnection()
    wire.answer(connection, 1, unavailable())
    expect(outbox.framesOf(connection)).toMatchObject([
      { type: 'error', id: 1, code: 'unavailable', retryAfterMs: 2000 },
    ])
  })
})

test('a WebSocket ping is answered with its payload, through the outbox', () => {
  const { wire, outbox } = recordedWire()
  const connection = fakeConnection()
  wire.pong(connection, Buffer.from('hi'))
  const [pong] = outbox.rawOf(connection) as [Buffer]
  expect(pong[0]).toBe(0x8a)
  expect(payloadOf(pong).toString()).toBe('hi')
})

describe('a close', () => {
  test('comes after what waits, leaves all rooms at once, and is noted with its code', () => {
    const { wire, outbox, wheel } = recordedWire()
    const connection = fakeConnection()
    const lobby = createTopic('sluice.room.default.lobby', { kind: 'room', name: 'lobby' as never })
    beginJoin(connection, lobby)
    finishJoin(connection, lobby)
    wheel.schedule(connection, 1)
    connection.backlog = [Buffer.from('x')]
    wire.close(connection, 4001, 'unauthorized')
    expect(outbox.finished).toEqual([connection])
    expect(connection.peer.closed).toEqual({ code: 4001, reason: 'unauthorized' })
    expect(connection).toMatchObject({ phase: 'closing', closeCode: 4001, backlog: null, topics: [], wheelSlot: -1 })
    expect(lobby.members).toEqual([])
  })

  test('is decided once: what comes later changes nothing', () => {
    const { wire } = recordedWire()
    const connection = fakeConnection()
    wire.close(connection, 4001, 'unauthorized')
    wire.close(connection, 1012, 'service restart')
    wire.closeSlow(connection)
    expect(connection.peer.closed?.code).toBe(4001)
    expect(connection.closeCode).toBe(4001)
  })

  test('reads on where reading had stopped, or the close frame of the peer would never be seen', () => {
    const { wire } = recordedWire()
    const connection = fakeConnection()
    connection.paused = true
    connection.peer.pause()
    wire.close(connection, 1012, 'service restart')
    expect(connection.peer.paused).toBe(false)
    expect(connection.paused).toBe(false)
  })

  test('of a slow consumer drops what waits', () => {
    const { wire, outbox } = recordedWire()
    const connection = fakeConnection()
    wire.closeSlow(connection)
    expect(outbox.finished).toEqual([])
    expect(outbox.discarded).toEqual([connection])
    expect(connection.peer.closed).toEqual({ code: 4008, reason: 'slow consumer' })
  })
})
