import { describe, expect, test } from 'vitest'
import { FakeSocket } from '../../../test/harness/session-fakes.ts'
import { createOutbox } from './outbox.ts'
import type { Outgoing } from './outgoing.ts'

interface Peer extends Outgoing {
  readonly socket: FakeSocket
}

function peer(): Peer {
  return { socket: new FakeSocket(), queue: null, queueBytes: 0, queued: 'no' }
}

function build({ queueBytesMax = 1000, flushesPerTurn = 100 } = {}) {
  const counters = { framesOut: 0, bytesOut: 0, deliveriesDropped: 0 }
  const overflowed: Outgoing[] = []
  const outbox = createOutbox({
    queueBytesMax,
    flushesPerTurn,
    counters,
    notice: () => expect.fail('nothing may be lost'),
    onOverflow: (connection) => overflowed.push(connection),
  })
  return { outbox, counters, overflowed }
}

const frame = (text: string): Buffer => Buffer.from(text)

/** The turn of the event loop in which everything pushed so far is flushed. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a frame in the outbox', () => {
  test('is not written before the turn ends, and then as it is', async () => {
    const { outbox, counters } = build()
    const one = peer()
    const sent = frame('hello')
    expect(outbox.push(one, sent)).toBe(true)
    expect(one.socket.flushes).toEqual([])
    expect(outbox.bytes).toBe(5)
    await turn()
    expect(one.socket.flushes).toEqual([sent])
    expect(outbox.bytes).toBe(0)
    expect(counters).toMatchObject({ framesOut: 1, bytesOut: 5 })
  })

  test('goes out in one write with all others of the turn, in order', async () => {
    const { outbox, counters } = build()
    const one = peer()
    for (const text of ['a', 'b', 'c']) outbox.push(one, frame(text))
    await turn()
    expect(one.socket.flushes.map(String)).toEqual(['abc'])
    expect(counters).toMatchObject({ framesOut: 3, bytesOut: 3 })
  })

  test('of the next turn goes out with the next turn', async () => {
    const { outbox } = build()
    const one = peer()
    outbox.push(one, frame('a'))
    await turn()
    outbox.push(one, frame('b'))
    await turn()
    expect(one.socket.flushes.map(String)).toEqual(['a', 'b'])
  })

  test('is not written to a socket that is gone', async () => {
    const { outbox } = build()
    const one = peer()
    outbox.push(one, frame('a'))
    one.socket.destroyed = true
    await turn()
    expect(one.socket.flushes).toEqual([])
    expect(outbox.bytes).toBe(0)
  })
})

describe('many connections', () => {
  test('are flushed a slice a turn, the first ones first', async () => {
    const { outbox } = build({ flushesPerTurn: 2 })
    const peers = [peer(), peer(), peer(), peer(), peer()]
    for (const one of peers) outbox.push(one, frame('x'))
    const written = (): number[] => peers.map(({ socket }) => socket.flushes.length)
    await turn()
    expect(written()).toEqual([1, 1, 0, 0, 0])
    await turn()
    expect(written()).toEqual([1, 1, 1, 1, 0])
    await turn()
    expect(written()).toEqual([1, 1, 1, 1, 1])
  })

  test('that become dirty later wait behind those that wait already', async () => {
    const { outbox } = build({ flushesPerTurn: 1 })
    const [first, second, third] = [peer(), peer(), peer()]
    outbox.push(first, frame('x'))
    outbox.push(second, frame('x'))
    await turn()
    outbox.push(third, frame('x'))
    outbox.push(first, frame('y'))
    await turn()
    expect(second.socket.flushes).toHaveLength(1)
    expect(third.socket.flushes).toHaveLength(0)
    await turn()
    expect(third.socket.flushes).toHaveLength(1)
    expect(first.socket.flushes.map(String)).toEqual(['x'])
    await turn()
    expect(first.socket.flushes.map(String)).toEqual(['x', 'y'])
  })
})

describe('a socket that is full', () => {
  test('is not written to until it has drained, and then gets everything at once', async () => {
    const { outbox } = build()
    const one = peer()
    one.socket.writableNeedDrain = true
    outbox.push(one, frame('a'))
    await turn()
    outbox.push(one, frame('b'))
    await turn()
    await turn()
    expect(one.socket.flushes).toEqual([])
    expect(one.socket.waiting).toBe(1)
    expect(outbox.bytes).toBe(2)
    one.socket.drain()
    await turn()
    expect(one.socket.flushes.map(String)).toEqual(['ab'])
    expect(outbox.bytes).toBe(0)
  })

  test('holds nobody else up', async () => {
    const { outbox } = build()
    const [full, free] = [peer(), peer()]
    full.socket.writableNeedDrain = true
    outbox.push(full, frame('a'))
    outbox.push(free, frame('b'))
    await turn()
    expect(free.socket.flushes.map(String)).toEqual(['b'])
  })

  test('that drains after its queue was dropped is flushed again later', async () => {
    const { outbox } = build()
    const one = peer()
    one.socket.writableNeedDrain = true
    outbox.push(one, frame('a'))
    await turn()
    outbox.discard(one)
    one.socket.drain()
    outbox.push(one, frame('b'))
    await turn()
    expect(one.socket.flushes.map(String)).toEqual(['b'])
  })
})

describe('the bound of a queue', () => {
  test.each([
    [999, true],
    [1000, true],
    [1001, false],
  ])('lets %i bytes in: %s', (bytes, fits) => {
    const { outbox, overflowed } = build({ queueBytesMax: 1000 })
    const one = peer()
    expect(outbox.push(one, Buffer.alloc(bytes))).toBe(fits)
    expect(overflowed).toEqual(fits ? [] : [one])
  })

  test('counts what waits in the queue and what the socket has not written', () => {
    const { outbox, overflowed } = build({ queueBytesMax: 10 })
    const one = peer()
    one.socket.writableLength = 4
    expect(outbox.push(one, Buffer.alloc(5))).toBe(true)
    expect(outbox.push(one, Buffer.alloc(1))).toBe(true)
    expect(outbox.push(one, Buffer.alloc(1))).toBe(false)
    expect(overflowed).toEqual([one])
  })

  test('when it is passed drops the queue whole, before the owner is told', async () => {
    const one = peer()
    const seen: number[] = []
    const outbox = createOutbox({
      queueBytesMax: 10,
      flushesPerTurn: 10,
      counters: { framesOut: 0, bytesOut: 0, deliveriesDropped: 0 },
      notice: () => expect.fail('nothing may be lost'),
      onOverflow: (connection) => seen.push(connection.queueBytes, outbox.bytes),
    })
    outbox.push(one, Buffer.alloc(10))
    outbox.push(one, Buffer.alloc(1))
    expect(seen).toEqual([0, 0])
    await turn()
    expect(one.socket.flushes).toEqual([])
  })

  test('of one connection leaves the others as they are', async () => {
    const { outbox } = build({ queueBytesMax: 10 })
    const [slow, quick] = [peer(), peer()]
    outbox.push(quick, frame('a'))
    outbox.push(slow, Buffer.alloc(11))
    outbox.push(quick, frame('b'))
    await turn()
    expect(quick.socket.flushes.map(String)).toEqual(['ab'])
  })
})

describe('the end of a connection', () => {
  test('hands over at once what waits, also to a full socket, so that a close frame comes after it', async () => {
    const { outbox } = build()
    const one = peer()
    one.socket.writableNeedDrain = true
    outbox.push(one, frame('a'))
    outbox.push(one, frame('b'))
    outbox.finish(one)
    expect(one.socket.flushes.map(String)).toEqual(['ab'])
    await turn()
    expect(one.socket.flushes).toHaveLength(1)
    expect(outbox.bytes).toBe(0)
  })

  test('with nothing waiting writes nothing', () => {
    const { outbox } = build()
    const one = peer()
    outbox.finish(one)
    expect(one.socket.flushes).toEqual([])
  })
})
