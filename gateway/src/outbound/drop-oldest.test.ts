import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FakeSocket } from '../../../test/harness/session-fakes.ts'
import { type DroppablePlace, type Loss, markDroppable } from './droppable.ts'
import { createOutbox } from './outbox.ts'
import type { Outgoing } from './outgoing.ts'

const BOUND = 1000
const FRAME = 100
const NOTICE = 20

const [lobby, hall] = [{ name: 'lobby' }, { name: 'hall' }]

function build() {
  const socket = new FakeSocket()
  // Nobody reads: everything stays in the queue until the test lets it drain.
  socket.writableNeedDrain = true
  const reader: Outgoing & { readonly socket: FakeSocket } = { socket, queue: null, queueBytes: 0, queued: 'no' }
  const counters = { framesOut: 0, bytesOut: 0, deliveriesDropped: 0 }
  const overflowed: Outgoing[] = []
  const told = new Map<Buffer, Loss>()
  const outbox = createOutbox({
    queueBytesMax: BOUND,
    flushesPerTurn: 10,
    counters,
    notice: (_, loss) => {
      const frame = Buffer.alloc(NOTICE, 'n')
      told.set(frame, structuredClone(loss))
      return frame
    },
    onOverflow: (connection) => overflowed.push(connection),
  })
  const names = new Map<Buffer, string>()
  function frame(name: string, source: object | null, place: DroppablePlace | null = null, bytes = FRAME): Buffer {
    const made = Buffer.alloc(bytes, name)
    names.set(made, name)
    if (source !== null) markDroppable(made, { source, place })
    return made
  }
  /** What waits, in order: the name of a frame, or what a notice says. */
  const waiting = () =>
    (reader.queue ?? []).map((queued) => {
      const loss = told.get(queued)
      if (loss === undefined) return names.get(queued) ?? queued.toString('latin1', 0, 1)
      const { missed, stored } = loss
      return stored === null ? { missed } : { missed, from: stored.from, to: stored.to }
    })
  return { outbox, reader, socket, counters, overflowed, frame, waiting }
}

const at = (offset: number, prev = offset - 1, epoch = 'e'): DroppablePlace => ({ epoch, era: 0, prev, offset })

describe('the queue of a slow reader', () => {
  test('loses its oldest messages down to half of its bound, and a notice stands in their place', () => {
    const { outbox, reader, counters, frame, waiting, overflowed } = build()
    for (let n = 0; n < 11; n++) expect(outbox.push(reader, frame(String(n % 10), lobby))).toBe(true)
    expect(waiting()).toEqual([{ missed: 6 }, '6', '7', '8', '9', '0'])
    expect(counters.deliveriesDropped).toBe(6)
    expect(reader.queueBytes).toBe(5 * FRAME + NOTICE)
    expect(outbox.bytes).toBe(reader.queueBytes)
    expect(overflowed).toEqual([])
  })

  test('tells all that was lost of one source in one notice, that of two in two', () => {
    const { outbox, reader, frame, waiting } = build()
    for (let n = 0; n < 30; n++) outbox.push(reader, frame('x', n % 2 === 0 ? lobby : hall))
    const notices = waiting().filter((one) => typeof one === 'object')
    const left = waiting().filter((one) => one === 'x').length
    expect(notices).toHaveLength(2)
    expect(notices.reduce((sum, { missed }) => sum + missed, 0) + left).toBe(30)
  })

  test('keeps what may not be lost, in its place', () => {
    const { outbox, reader, frame, waiting } = build()
    outbox.push(reader, frame('a', null))
    outbox.push(reader, frame('1', lobby))
    outbox.push(reader, frame('b', null))
    for (let n = 2; n < 10; n++) outbox.push(reader, frame(String(n), lobby))
    expect(waiting()).toEqual(['a', { missed: 6 }, 'b', '7', '8', '9'])
  })

  test('is given up where what may not be lost fills it', () => {
    const { outbox, reader, frame, overflowed } = build()
    outbox.push(reader, frame('1', lobby))
    for (let n = 0; n < 9; n++) outbox.push(reader, frame('a', null))
    // The message makes room, and its notice takes some of it.
    expect(outbox.push(reader, frame('b', null))).toBe(false)
    expect(overflowed).toEqual([reader])
    expect(outbox.bytes).toBe(0)
  })

  test('lets the newest message go where everything else waits in the socket already, and tells it', async () => {
    const { outbox, reader, socket, frame, waiting, overflowed } = build()
    socket.writableLength = BOUND - 50
    expect(outbox.push(reader, frame('1', lobby))).toBe(false)
    expect(outbox.push(reader, frame('2', lobby))).toBe(false)
    expect(waiting()).toEqual([{ missed: 2 }])
    expect(overflowed).toEqual([])
    await new Promise((resolve) => setImmediate(resolve))
    socket.drain()
    socket.writableLength = 0
    await new Promise((resolve) => setImmediate(resolve))
    expect(socket.flushes.map(String)).toEqual(['n'.repeat(NOTICE)])
    expect(outbox.push(reader, frame('3', lobby))).toBe(true)
    expect(waiting()).toEqual(['3'])
  })

  test('begins a new notice once the last one was written', async () => {
    const { outbox, reader, socket, frame, waiting } = build()
    for (let n = 0; n < 11; n++) outbox.push(reader, frame('x', lobby))
    await new Promise((resolve) => setImmediate(resolve))
    socket.drain()
    await new Promise((resolve) => setImmediate(resolve))
    expect(waiting()).toEqual([])
    socket.writableNeedDrain = true
    for (let n = 0; n < 11; n++) outbox.push(reader, frame('y', lobby))
    expect(waiting()[0]).toEqual({ missed: 6 })
  })
})

describe('what is told of stored messages', () => {
  test('reaches from before the first to the last', () => {
    const { outbox, reader, frame, waiting } = build()
    for (let n = 0; n < 11; n++) outbox.push(reader, frame('x', lobby, at(20 + n)))
    expect(waiting()[0]).toEqual({ missed: 6, from: 19, to: 25 })
  })

  test('never reaches over one that was not lost, over another epoch, or over a gap that is told', () => {
    for (const second of [at(40, 30), at(27, 26, 'other'), { ...at(27), era: 1 }]) {
      const { outbox, reader, frame, waiting } = build()
      outbox.push(reader, frame('x', lobby, at(26)))
      outbox.push(reader, frame('k', null))
      outbox.push(reader, frame('x', lobby, second))
      for (let n = 0; n < 8; n++) outbox.push(reader, frame('y', hall))
      expect(waiting().slice(0, 3)).toEqual([
        { missed: 1, from: 25, to: 26 },
        'k',
        { missed: 1, from: second.prev, to: second.offset },
      ])
    }
  })

  test('never reaches over a join: what was queued before it stays', () => {
    const { outbox, reader, frame, waiting } = build()
    outbox.push(reader, frame('1', lobby, at(1)))
    outbox.push(reader, frame('k', null))
    outbox.keep(reader, lobby)
    for (let n = 2; n < 11; n++) outbox.push(reader, frame('x', lobby, at(n)))
    expect(waiting().slice(0, 3)).toEqual(['1', 'k', { missed: 6, from: 1, to: 7 }])
  })
})

test('whatever comes, the bound holds, no message is lost untold, and what may not be lost never is', () => {
  const step = fc.record({
    source: fc.constantFrom(lobby, hall, null),
    bytes: fc.integer({ min: 1, max: 300 }),
    reads: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { outbox, reader, socket, frame, waiting, overflowed } = build()
      const [pushed, got] = [new Map<object | null, number>(), { kept: 0, heard: 0, missed: 0 }]
      function read(): void {
        for (const one of waiting()) {
          if (typeof one === 'object') got.missed += one.missed
          else if (one === 'k') got.kept++
          else got.heard++
        }
        outbox.finish(reader)
      }
      for (const { source, bytes, reads } of steps) {
        if (overflowed.length > 0) return
        pushed.set(source, (pushed.get(source) ?? 0) + 1)
        outbox.push(reader, frame(source === null ? 'k' : 'x', source, null, bytes))
        expect(reader.queueBytes + socket.writableLength).toBeLessThanOrEqual(BOUND)
        expect(outbox.bytes).toBe(reader.queueBytes)
        if (reads) read()
      }
      if (overflowed.length > 0) return
      read()
      expect(got.kept).toBe(pushed.get(null) ?? 0)
      expect(got.heard + got.missed).toBe((pushed.get(lobby) ?? 0) + (pushed.get(hall) ?? 0))
    }),
  )
})
