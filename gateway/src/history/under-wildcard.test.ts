import type { RoomName } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { crowd, join, room } from '../../../test/harness/fanout-fakes.ts'
import { storedAt } from '../../../test/harness/history-fakes.ts'
import { createTopic, type Topic } from '../fanout/topic.ts'
import type { Log } from './log.ts'
import { createRing } from './ring.ts'
import { createUnderWildcard } from './under-wildcard.ts'

/** A room that has brought everything up to `own`, and a wildcard up to `all`, of which it has a ring from `ringFrom` on. */
function build({ own = 5, all = 5, ringFrom = 0 } = {}) {
  const lobby = room('lobby')
  const over = createTopic('sluice.room.default.*', { kind: 'room', name: 'default:*' as RoomName })
  const ring = createRing({ messagesMax: 100, bytesMax: 1e6, onBytes: () => undefined })
  ring.restart(ringFrom, null)
  // Every other message is the room's.
  for (let offset = ringFrom + 1; offset <= all; offset++) {
    const name = (offset % 2 === 0 ? 'lobby' : 'other') as RoomName
    ring.push(storedAt(offset, offset - 1, { under: { room: name, subject: `s.${name}`, prev: 0 } }))
  }
  const log = (offset: number, fields: object) => ({ epoch: 'e', position: { offset, time: 0 }, ...fields }) as Log
  const logs = new Map<Topic, Log>([
    [lobby, log(own, {})],
    [over, log(all, { ring })],
  ])
  const did: unknown[] = []
  const [ann] = crowd(1)
  join(lobby, ann!)
  const both = createUnderWildcard({
    topics: { find: (subject) => [lobby, over].find((topic) => topic.subject === subject) },
    logs: { of: (topic) => logs.get(topic) ?? null },
    deliver: { settle: (topic) => did.push(['settle', topic.subject]) },
    send: (_, topic, { frames }) => did.push(['send', topic.about.name, frames.message.place.offset]),
    sendGap: (_, topic, gap) => did.push(['gap', topic.about.name, gap]),
  })
  return { both, ann: ann!, lobby, over, did, follow: () => join(over, ann!) }
}

describe('who enters a room', () => {
  test('waits until the wildcard has brought what lies before', () => {
    const behind = build({ own: 6, all: 5 })
    expect(behind.both.isLevel(behind.ann, behind.lobby)).toBe(true)
    behind.follow()
    expect(behind.both.isLevel(behind.ann, behind.lobby)).toBe(false)
    for (const all of [6, 7]) {
      const level = build({ own: 6, all })
      level.follow()
      expect(level.both.isLevel(level.ann, level.lobby)).toBe(true)
    }
  })

  test('gets what the wildcard has in slices first', () => {
    const { both, ann, lobby, did, follow } = build()
    both.entering(ann, lobby)
    expect(did).toEqual([])
    follow()
    both.entering(ann, lobby)
    expect(did).toEqual([['settle', 'sluice.room.default.*']])
  })
})

describe('who leaves a room', () => {
  test('gets what the wildcard has passed over and the room has not brought', () => {
    const { both, ann, lobby, did, follow } = build({ own: 3, all: 8 })
    both.leaving(ann, lobby)
    expect(did).toEqual([])
    follow()
    both.leaving(ann, lobby)
    expect(did).toEqual([
      ['send', 'default:*', 4],
      ['send', 'default:*', 6],
      ['send', 'default:*', 8],
    ])
  })

  test('gets nothing where the room is as far', () => {
    for (const own of [8, 9]) {
      const { both, ann, lobby, did, follow } = build({ own, all: 8 })
      follow()
      both.leaving(ann, lobby)
      expect(did).toEqual([])
    }
  })

  test('is told of a gap where that is not at hand any more', () => {
    const { both, ann, lobby, did, follow } = build({ own: 3, all: 8, ringFrom: 5 })
    follow()
    both.leaving(ann, lobby)
    expect(did).toEqual([
      ['gap', 'default:*', { reason: 'lost', from: 3, epoch: 'e', position: { offset: 8, time: 0 } }],
    ])
  })
})
