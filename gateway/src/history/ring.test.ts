import { describe, expect, test } from 'vitest'
import { storedAt } from '../../../test/harness/history-fakes.ts'
import { createRing, entryOf, type Ring } from './ring.ts'

const BIG = Buffer.from(`"${'x'.repeat(998)}"`)

/** A ring, and the bytes that it says it holds. */
function build({ messagesMax = 4, bytesMax = 1e6 } = {}) {
  const held = { bytes: 0 }
  const ring = createRing({
    messagesMax,
    bytesMax,
    onBytes: (change) => {
      held.bytes += change
    },
  })
  return { ring, held }
}

const offsets = (ring: Ring): number[] => ring.entries.map(({ frames }) => frames.message.place.offset)
const after = (ring: Ring, offset: number) =>
  ring.after(offset)?.map(({ frames }) => frames.message.place.offset) ?? null
const push = (ring: Ring, ...list: number[]): void => {
  for (const offset of list) ring.push(storedAt(offset, offset - 1))
}

describe('a ring', () => {
  test('gives what lies above an offset, and nothing where it begins after it', () => {
    const { ring } = build()
    ring.restart(5, 50)
    push(ring, 7, 8, 12)
    expect([4, 5, 6, 7, 11, 12, 99].map((offset) => after(ring, offset))).toEqual([
      null,
      [7, 8, 12],
      [7, 8, 12],
      [8, 12],
      [12],
      [],
      [],
    ])
    expect([ring.from, ring.timeAtFrom]).toEqual([5, 50])
  })

  test('lets the oldest go where there are too many, and begins after the last that went', () => {
    const { ring } = build({ messagesMax: 3 })
    ring.restart(1, null)
    push(ring, 2, 3, 5, 8, 9)
    expect([offsets(ring), ring.from, ring.timeAtFrom]).toEqual([[5, 8, 9], 3, 1003])
    expect([after(ring, 2), after(ring, 3)]).toEqual([null, [5, 8, 9]])
  })

  test('lets the oldest go where they are too big, but never the newest', () => {
    const { ring, held } = build({ messagesMax: 9, bytesMax: 6000 })
    for (const offset of [1, 2, 3, 4]) ring.push(storedAt(offset, offset - 1, { payload: BIG }))
    expect([offsets(ring), ring.from]).toEqual([[3, 4], 2])
    ring.push(storedAt(5, 4, { payload: Buffer.alloc(9000, '1') }))
    expect([offsets(ring), ring.from]).toEqual([[5], 4])
    expect(held.bytes).toBe(ring.entries.reduce((sum, { bytes }) => sum + bytes, 0))
  })

  test('takes what lies before it, where that meets its beginning and there is room', () => {
    const { ring, held } = build({ messagesMax: 4 })
    ring.restart(5, 50)
    push(ring, 7)
    const before = [3, 5].map((offset) => entryOf(storedAt(offset, offset - 1)))
    expect(ring.prepend(2, 20, before)).toBe(true)
    expect([offsets(ring), ring.from, ring.timeAtFrom]).toEqual([[3, 5, 7], 2, 20])
    expect(ring.prepend(2, 20, [])).toBe(false)
    expect(
      ring.prepend(
        0,
        null,
        [1, 2].map((offset) => entryOf(storedAt(offset, 0))),
      ),
    ).toBe(false)
    expect([offsets(ring), ring.from]).toEqual([[3, 5, 7], 2])
    expect(held.bytes).toBe(ring.entries.reduce((sum, { bytes }) => sum + bytes, 0))
  })

  test('begins lower where nothing lies between, and no message is known to stand there', () => {
    const { ring } = build()
    ring.restart(5, 50)
    push(ring, 7)
    ring.lower(3)
    expect([after(ring, 3), after(ring, 2), ring.timeAtFrom]).toEqual([[7], null, null])
    ring.lower(6)
    expect(ring.from).toBe(3)
  })

  test('keeps its end when it is cleared, and gives its bytes back', () => {
    const { ring, held } = build()
    ring.restart(1, null)
    push(ring, 2, 4)
    ring.clear()
    expect([offsets(ring), ring.from, held.bytes]).toEqual([[], 4, 0])
    push(ring, 6)
    expect([after(ring, 4), after(ring, 3)]).toEqual([[6], null])
    ring.restart(20, 7)
    expect([offsets(ring), ring.from, ring.timeAtFrom, held.bytes]).toEqual([[], 20, 7, 0])
  })

  test('may be cleared while it takes a message: whoever counts all rings does so', () => {
    const ring: Ring = createRing({ messagesMax: 9, bytesMax: 1e6, onBytes: (change) => change > 0 && ring.clear() })
    expect(ring.push(storedAt(3, 0)).frames.message.place.offset).toBe(3)
    expect([offsets(ring), ring.from, after(ring, 3)]).toEqual([[], 3, []])
  })

  test('keeps a copy of the payload, not the read of the socket that brought it', () => {
    const whole = Buffer.from('[1][2]')
    const { frames } = entryOf(storedAt(1, 0, { payload: whole.subarray(0, 3) }))
    whole.fill(0)
    expect(Buffer.from(frames.message.payload).toString()).toBe('[1]')
    expect(frames.message.payload.buffer.byteLength).toBe(3)
  })
})
