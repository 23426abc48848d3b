import { describe, expect, test } from 'vitest'
import type { GatewayId, RoomName, SessionId, UserName } from '../names.ts'
import { createSubjects } from '../subjects.ts'
import { decodeEvent, EVENT_BYTES_MAX, encodeEvent, eventId, eventSubject, type PresenceEvent } from './events.ts'

const subjects = createSubjects('sluice')
const common = { gateway: 'gw' as GatewayId, at: 1, revision: 7 }
const user = 'a.b' as UserName
const room = 'chat:x.y' as RoomName
const events: PresenceEvent[] = [
  { kind: 'connected', user, session: 'gw.1' as SessionId, connections: 1, ...common },
  { kind: 'disconnected', user, session: 'gw.1' as SessionId, connections: 0, ...common, reason: 'expired' },
  { kind: 'joined', user, room, ...common },
  { kind: 'left', user, room, ...common },
  { kind: 'occupied', user, room, ...common },
  { kind: 'empty', user, room, ...common },
  { kind: 'resync', scope: 'user', shard: 1023, at: 1, revision: 7 },
]

describe('an event', () => {
  test.each(events)('$kind is read as it was written', (event) => {
    expect(decodeEvent(new TextEncoder().encode(encodeEvent(event)))).toEqual(event)
  })

  test('stands on a subject of the stream, in as many tokens as its kind has', () => {
    expect(events.map((event) => eventSubject(subjects, event))).toEqual([
      'sluice.event.connected.a=2Eb',
      'sluice.event.disconnected.a=2Eb',
      'sluice.event.joined.chat.x=2Ey.a=2Eb',
      'sluice.event.left.chat.x=2Ey.a=2Eb',
      'sluice.event.occupied.chat.x=2Ey',
      'sluice.event.empty.chat.x=2Ey',
      'sluice.event.resync.user.1023',
    ])
  })

  test('of the longest names fits its bound', () => {
    const name = '\u0001'.repeat(123)
    const event: PresenceEvent = {
      ...common,
      kind: 'joined',
      user: name as UserName,
      room: `chat:${name}` as RoomName,
      reason: '\u0001'.repeat(64),
    }
    expect(encodeEvent(event).length).toBeLessThan(EVENT_BYTES_MAX)
  })
})

describe('the id of an event', () => {
  const ids = (event: PresenceEvent) => [
    eventId(subjects, event, { kind: 'entry', revision: 7 }),
    eventId(subjects, event, { kind: 'entry', revision: 8 }),
    eventId(subjects, event, { kind: 'lease', instance: 'gw', revision: 7 }),
    eventId(subjects, event, { kind: 'lease', instance: 'gx', revision: 7 }),
  ]

  test('is that of no other event, and of no other cause', () => {
    const other: PresenceEvent = { kind: 'connected', user, session: 'gw.12' as SessionId, connections: 2, ...common }
    const all = [...events, other].flatMap(ids)
    expect(new Set(all).size).toBe(all.length)
  })

  test('does not depend on who publishes it and when', () => {
    const [joined] = events.filter(({ kind }) => kind === 'joined')
    expect(ids({ ...joined!, at: 99 })).toEqual(ids(joined!))
  })

  test('can stand in a header', () => {
    for (const id of events.flatMap(ids)) expect(id).toMatch(/^[A-Za-z0-9_.=-]+$/)
  })
})
