import { msgpackCodec } from '@sluice/proto/msgpack'
import { describe, expect, test } from 'vitest'
import { fakeDelivery, inbound, join, room, turn } from '../../../test/harness/fanout-fakes.ts'
import { type FakeConnectionOptions, fakeConnection } from '../../../test/harness/session-fakes.ts'

const MESSAGE = inbound('x'.repeat(1000))
const DEFLATED = Buffer.from('deflated')

/** A delivery that notes what it compresses, and members with and without compression in either encoding. */
function build(sliceMembers = 512) {
  const compressed: Buffer[] = []
  const fakes = fakeDelivery({
    sliceMembers,
    deflate: (frame) => {
      compressed.push(frame)
      return DEFLATED
    },
  })
  let number = 0
  const members = (size: number, options: FakeConnectionOptions) =>
    Array.from({ length: size }, () => fakeConnection({ ...options, number: ++number, user: `user-${number}` }))
  return { ...fakes, compressed, members }
}

const COMPRESSES = { deflateBytesMax: Number.POSITIVE_INFINITY }
const MSGPACK = { codec: msgpackCodec }

describe('a message', () => {
  test('is compressed once for each encoding, whoever and however many take it so', () => {
    const { deliver, frames, compressed, members } = build()
    const lobby = room('lobby')
    const json = members(100, COMPRESSES)
    const msgpack = members(100, { ...COMPRESSES, ...MSGPACK })
    const plain = [...members(5, {}), ...members(5, MSGPACK)]
    join(lobby, ...json, ...plain, ...msgpack)
    deliver.toTopic(lobby, MESSAGE)
    expect(compressed).toHaveLength(2)
    for (const member of [...json, ...msgpack]) expect(frames.get(member)?.[0]).toBe(DEFLATED)
    const plainFrames = plain.map((member) => frames.get(member)?.[0])
    expect(new Set(plainFrames)).toEqual(new Set(compressed))
  })

  test('is compressed once as well where it goes out in slices', async () => {
    const { deliver, frames, compressed, members } = build(4)
    const lobby = room('lobby')
    const all = members(10, COMPRESSES)
    join(lobby, ...all)
    deliver.toTopic(lobby, MESSAGE)
    for (let at = 0; at < 4; at++) await turn()
    expect(compressed).toHaveLength(1)
    expect(all.map((member) => frames.get(member)?.[0])).toEqual(all.map(() => DEFLATED))
  })

  test('is not compressed where nobody takes it so', () => {
    const { deliver, compressed, members } = build()
    const lobby = room('lobby')
    join(lobby, ...members(3, {}))
    deliver.toTopic(lobby, MESSAGE)
    expect(compressed).toEqual([])
  })

  test('larger than the window of a client goes to it plain, and compressed to the others', () => {
    const { deliver, frames, members } = build()
    const lobby = room('lobby')
    const [narrow, wide] = [...members(1, { deflateBytesMax: 512 }), ...members(1, { deflateBytesMax: 2048 })]
    if (narrow === undefined || wide === undefined) throw new Error('two members were made')
    join(lobby, narrow, wide)
    deliver.toTopic(lobby, MESSAGE)
    expect(frames.get(narrow)?.[0]?.length).toBeGreaterThan(1000)
    expect(frames.get(wide)?.[0]).toBe(DEFLATED)
  })

  test('to one connection is compressed for it', () => {
    const { deliver, frames, members, compressed } = build()
    const [one] = members(1, COMPRESSES)
    if (one === undefined) throw new Error('one member was made')
    deliver.toMember(one, room('lobby').about, MESSAGE)
    expect(frames.get(one)?.[0]).toBe(DEFLATED)
    expect(compressed).toHaveLength(1)
  })
})

test('what stands for a message that is kept from a member is never compressed', () => {
  const { deliver, frames, members } = build()
  const lobby = room('lobby')
  const [one] = members(1, COMPRESSES)
  if (one === undefined) throw new Error('one member was made')
  join(lobby, one)
  deliver.toTopic(lobby, { ...MESSAGE, excludeUser: one.user, place: { offset: 2, prev: 1, time: 3 } as never })
  expect(frames.get(one)?.[0]).not.toBe(DEFLATED)
})
