import { describe, expect, test } from 'vitest'
import { type GatewayId, parseRoom, parseUser } from './names.ts'
import { createSubjects, DEFAULT_PREFIX, sessionNumber } from './subjects.ts'

const hostile = ['a.b', 'a b', '>', '\0', 'é', '😀', 'a\r\nb', '=41', '.', '..', 'a/b']

describe('subjects', () => {
  test.each(hostile)('of a room and a user named %j have no more tokens than any other', (text) => {
    const subjects = createSubjects(DEFAULT_PREFIX)
    const room = parseRoom(text, 128)!
    expect(subjects.room(room).split('.')).toHaveLength(4)
    expect(subjects.user(parseUser(text, 128)!).split('.')).toHaveLength(3)
    expect(subjects.room(room)).toMatch(/^[A-Za-z0-9_=.-]+$/)
  })

  test('of two installations never meet', () => {
    const room = parseRoom('chat:lobby', 128)!
    expect(createSubjects('a').room(room)).toBe('a.room.chat.lobby')
    expect(createSubjects('b').room(room)).toBe('b.room.chat.lobby')
  })

  test.each(['', 'a.b', 'a>', '*', 'a b', 'é', 'x'.repeat(33), 'a\n'])('are not made with the prefix %j', (prefix) => {
    expect(() => createSubjects(prefix)).toThrow(RangeError)
  })
})

describe('subjects of presence', () => {
  const subjects = createSubjects(DEFAULT_PREFIX)

  test.each(hostile)('of events about a room and a user named %j have no more tokens than any other', (text) => {
    const [room, user] = [parseRoom(text, 128)!, parseUser(text, 128)!]
    expect(subjects.userEvent('connected', user).split('.')).toHaveLength(4)
    expect(subjects.memberEvent('joined', room, user).split('.')).toHaveLength(6)
    expect(subjects.roomEvent('empty', room).split('.')).toHaveLength(5)
  })

  test('are below the prefix, each kind apart', () => {
    expect([
      subjects.api('count'),
      subjects.controlAll(),
      subjects.control('gw' as GatewayId),
      subjects.gather(),
      subjects.resyncEvent('room', 63),
      subjects.events(),
      subjects.lease('gateway.gw'),
      subjects.presence('room.1.>'),
    ]).toEqual([
      'sluice.api.count',
      'sluice.ctl.all',
      'sluice.ctl.gateway.gw',
      'sluice.ctl.routers',
      'sluice.event.resync.room.63',
      'sluice.event.>',
      'sluice.lease.gateway.gw',
      'sluice.presence.room.1.>',
    ])
  })
})

describe('the number of a connection', () => {
  test.each(['sluice.session.gw.', 'sluice.session.gw.x', 'sluice.session.gw.01', 'sluice.session.gw.0x10', '7', ''])(
    'is not read from %j',
    (subject) => {
      expect(sessionNumber(subject)).toBeNull()
    },
  )

  test.each([
    ['sluice.session.gw.1e3', null],
    ['sluice.session.gw.-1', null],
    ['sluice.session.gw.9007199254740991', Number.MAX_SAFE_INTEGER],
    ['sluice.session.gw.9007199254740992', null],
    ['sluice.session.gw.0', 0],
  ])('in %j is %j', (subject, number) => {
    expect(sessionNumber(subject)).toBe(number)
  })
})
