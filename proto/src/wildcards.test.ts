import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRoom } from './names.ts'
import { createSubjects } from './subjects.ts'
import { coveringSubject, isAllRooms, parseWildcard, roomOfSubject } from './wildcards.ts'

const subjects = createSubjects('sluice')

describe('a wildcard [P-22.1]', () => {
  test('is `ns:*`, and is held like a room that no room can be', () => {
    const all = parseWildcard('chat:*', 128)
    expect(all).toEqual({ name: 'chat:*', namespace: 'chat', local: '*' })
    expect(isAllRooms(all!)).toBe(true)
    expect(isAllRooms(parseRoom('chat:=2A', 128)!)).toBe(false)
    expect(parseRoom('chat:*', 128)).toBeNull()
  })

  test('of the default namespace is written with its name', () => {
    expect(parseWildcard('default:*', 128)).toMatchObject({ name: 'default:*', namespace: 'default' })
    expect(parseWildcard('*', 128)).toBeNull()
  })

  test.each(['', ':*', 'chat:', 'chat:a*', 'chat:*:*', 'a:b:*', 'chat:**', '*:*', 'ch*t:*', '\ud800:*'])(
    'is not “%s”',
    (text) => {
      expect(parseWildcard(text, 128)).toBeNull()
    },
  )

  test('is bounded as names are', () => {
    expect(parseWildcard(`${'x'.repeat(8)}:*`, 10)).not.toBeNull()
    expect(parseWildcard(`${'x'.repeat(9)}:*`, 10)).toBeNull()
  })
})

describe('the subject of a wildcard', () => {
  test('covers the rooms of its namespace, live and as their stream republishes them', () => {
    for (const name of ['chat:a.b', 'chat:*'.replace('*', '>'), 'lobby']) {
      const room = parseRoom(name, 128)!
      expect(coveringSubject(subjects.room(room))).toBe(subjects.rooms(room.namespace))
      expect(coveringSubject(subjects.liveRoom(room))).toBe(subjects.liveRooms(room.namespace))
    }
  })

  test('tells the room of each message again', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('chat', 'default'),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
        (namespace, local) => {
          const room = parseRoom(`${namespace}:${local}`, 256)
          fc.pre(room !== null)
          expect(roomOfSubject(subjects.room(room), namespace, 256)).toEqual(room)
        },
      ),
    )
  })

  test.each(['sluice.room.chat.=41', 'sluice.room.chat.a@b', 'sluice.room.chat.=2A', 'sluice.room.chat.'])(
    'tells none where nothing can be joined: %s',
    (subject) => {
      expect(roomOfSubject(subject, 'chat', 128)).toBeNull()
    },
  )
})
