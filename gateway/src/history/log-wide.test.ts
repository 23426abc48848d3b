// The log of all rooms of a namespace: one chain over all of them, in which each message keeps what it follows in its room.
import type { RoomName } from '@sluice/proto'
import { expect, test } from 'vitest'
import { storedAt } from '../../../test/harness/history-fakes.ts'
import type { StoredInbound } from '../backplane/inbound.ts'
import { createLog, type Gap } from './log.ts'
import { createRing } from './ring.ts'

function build() {
  const told: [number, number | undefined][] = []
  const missing: number[] = []
  const gaps: Gap[] = []
  const log = createLog({
    about: { kind: 'room', name: 'chat:*' as RoomName },
    subject: 'all',
    stream: 'S',
    wide: true,
    ring: createRing({ messagesMax: 100, bytesMax: 1e6, onBytes: () => undefined }),
    waitingMax: 10,
    onMessage: ({ frames: { message } }) => told.push([message.place.offset, message.under?.prev]),
    onGap: (gap) => gaps.push(gap),
    onMissing: (_, upTo) => missing.push(upTo),
    onDoubt: () => undefined,
  })
  log.checked('e', { offset: 10, time: 0 }, { offset: 10, time: 1010 })
  return { log, told, missing, gaps }
}

/** A copy of a room's message, which follows another one of it. */
const copy = (offset: number, prev: number): StoredInbound =>
  storedAt(offset, offset - 1, { under: { room: 'chat:a' as RoomName, subject: 's.a', prev } })

test('follows sequence by sequence, and tells each message what it follows in its room', () => {
  const { log, told, missing } = build()
  for (const [offset, prev] of [
    [11, 3],
    [12, 0],
    [13, 11],
  ] as const)
    log.receive(copy(offset, prev))
  expect(told).toEqual([
    [11, 3],
    [12, 0],
    [13, 11],
  ])
  expect([log.position.offset, missing]).toEqual([13, []])
})

test('misses a message of any room at the next one of any other', () => {
  const { log, told, missing } = build()
  log.receive(copy(12, 4))
  expect([log.phase, missing, told]).toEqual(['repairing', [11], []])
  log.read([copy(11, 0)])
  log.resume()
  expect(told).toEqual([
    [11, 0],
    [12, 4],
  ])
})

test('finds what came last missing by the end of its stream', () => {
  const { log, missing } = build()
  log.checked('e', { offset: 12, time: 0 }, { offset: 12, time: 1012 })
  expect(missing).toEqual([12])
})

test('tells nobody that they have missed what was deleted before anyone could have it', () => {
  const { log, told, gaps } = build()
  log.receive(copy(13, 12))
  log.read([copy(11, 0)])
  // 12 is not kept any more.
  log.reach({ offset: 12, time: 1012 })
  log.resume()
  log.receive(copy(14, 12))
  log.receive(copy(15, 14))
  expect(told).toEqual([
    [11, 0],
    [13, 0],
    [14, 0],
    [15, 14],
  ])
  expect(gaps).toEqual([])
})

test('tells so within what was read, too', () => {
  const { log, told } = build()
  log.receive(copy(14, 12))
  log.read([copy(11, 0), copy(13, 0)])
  log.resume()
  expect(told.at(-1)).toEqual([14, 0])
})
