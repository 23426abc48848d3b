import { createSubjects, namespaceSchema, parseRoom, parseWildcard } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { principalOf } from '../../../test/harness/session-fakes.ts'
import { roomRefusal } from './authorise.ts'
import { liveSubject, roomOrAll, wildcardObstacle } from './wildcard.ts'

const all = parseWildcard('chat:*', 128)!
const lobby = parseRoom('chat:lobby', 128)!
const on = namespaceSchema.parse({ wildcard: true })
const off = namespaceSchema.parse({})

describe('a join of all rooms', () => {
  test('is heard on the subject of the namespace', () => {
    const subjects = createSubjects('sluice')
    expect([liveSubject(subjects, all), liveSubject(subjects, lobby)]).toEqual([
      'sluice.room.chat.*',
      'sluice.room.chat.lobby',
    ])
  })

  test.each<[readonly string[] | undefined, boolean]>([
    [['chat:*'], true],
    [['chat:lobby', 'chat:*'], true],
    [['chat:lobby'], false],
    [['chat:{user}'], false],
    [['*'], false],
    [['other:*'], false],
    [undefined, false],
  ])('with the grants %j is granted: %s', (join, granted) => {
    const principal = { ...principalOf('ann'), grants: join === undefined ? {} : { join: [...join] } }
    expect(roomRefusal('join', on, all, principal) === null).toBe(granted)
  })

  test('of the default namespace is not what the pattern `*` says', () => {
    const rooms = parseWildcard('default:*', 128)!
    for (const [pattern, granted] of [
      ['*', false],
      ['default:*', true],
    ] as const) {
      const principal = { ...principalOf('ann'), grants: { join: [pattern] } }
      expect(roomRefusal('join', on, rooms, principal) === null).toBe(granted)
    }
  })

  test.each<[object, boolean, string | null]>([
    [{}, true, null],
    [{ since: { epoch: 'e', offset: 1 } }, true, null],
    [{ presence: false }, true, null],
    [{ presence: true }, true, 'not_enabled'],
    [{ history: 1 }, true, 'not_enabled'],
    [{}, false, 'not_enabled'],
  ])('%j where wildcards are on (%s): %s', (fields, offered, code) => {
    const frame = { type: 'join', room: 'chat:*', ...fields } as const
    expect(wildcardObstacle(frame, all, offered ? on : off)?.code ?? null).toBe(code)
    // None of it is about single rooms.
    expect(wildcardObstacle({ ...frame, room: 'chat:lobby' }, lobby, off)).toBeNull()
  })

  test('is told from one of a room, and from what is neither', () => {
    expect(roomOrAll('chat:*', 128)).toEqual(all)
    expect(roomOrAll('chat:lobby', 128)).toEqual(lobby)
    for (const bad of ['*', 'chat:a*', `${'c'.repeat(130)}:*`])
      expect(roomOrAll(bad, 128)).toMatchObject({ code: 'bad_request' })
  })
})
