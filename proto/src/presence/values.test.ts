import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SessionId, UserName } from '../names.ts'
import {
  decodeLease,
  decodeRoomEntry,
  decodeUserEntry,
  ENTRY_BYTES_MAX,
  ENTRY_ITEMS_MAX,
  ENTRY_SESSIONS_MAX,
  encodeLease,
  LEASE_BYTES_MAX,
  memberText,
  roomEntryText,
  userEntryText,
  userText,
} from './values.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const user = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 30 })
  .filter((text) => !text.includes('*') && text.isWellFormed())

describe('a lease', () => {
  test('is read as it was written', () => {
    const value = { name: 'n', version: '1.2.3', state: 'announcing', adopts: 'a', connections: 3 } as const
    expect(decodeLease(bytes(encodeLease(value)))).toEqual(value)
  })

  test('has a bound in bytes', () => {
    const lease = encodeLease({ name: 'n', version: '1', state: 'up' })
    expect(decodeLease(bytes(lease.padEnd(LEASE_BYTES_MAX)))).not.toBeNull()
    expect(decodeLease(bytes(lease.padEnd(LEASE_BYTES_MAX + 1)))).toBeNull()
  })
})

describe('an entry', () => {
  test('of a room is read as it was written', () => {
    const member = fc.record({ user, connections: fc.integer({ min: 1 }), info: fc.jsonValue() })
    fc.assert(
      fc.property(fc.array(member, { maxLength: 5 }), (list) => {
        const members = list.map((member) => JSON.parse(JSON.stringify(member)))
        expect(decodeRoomEntry(bytes(roomEntryText(members.map(memberText))))).toEqual(members)
      }),
    )
    expect(memberText({ user: 'a' as UserName, connections: 1, info: undefined })).toBe('{"user":"a","connections":1}')
  })

  test('of the directory is read as it was written', () => {
    const users = [
      { user: 'a' as UserName, sessions: [{ session: 'gw.1' as SessionId, since: 1 }] },
      { user: '"\n' as UserName, sessions: [] },
    ]
    expect(decodeUserEntry(bytes(userEntryText(users.map(userText))))).toEqual(users)
  })

  test(`has at most ${ENTRY_ITEMS_MAX} members`, () => {
    const of = (length: number) =>
      bytes(
        roomEntryText(Array.from({ length }, (_, at) => memberText({ user: `u${at}` as UserName, connections: 1 }))),
      )
    expect(decodeRoomEntry(of(ENTRY_ITEMS_MAX))).toHaveLength(ENTRY_ITEMS_MAX)
    expect(decodeRoomEntry(of(ENTRY_ITEMS_MAX + 1))).toBeNull()
  })

  test('holds as many sessions of one user as its bound, and the oldest of more', () => {
    const sessions = Array.from({ length: ENTRY_SESSIONS_MAX + 1 }, (_, at) => ({
      session: `${'g'.repeat(64)}.${at + 1}` as SessionId,
      since: 1_790_000_000_000 + at,
    }))
    const text = userEntryText([userText({ user: 'a' as UserName, sessions })])
    expect(bytes(text).length).toBeLessThan(ENTRY_BYTES_MAX)
    expect(decodeUserEntry(bytes(text))).toMatchObject([{ sessions: { length: ENTRY_SESSIONS_MAX } }])
  })

  test('of members with the longest names and info fits its bound', () => {
    const longest = memberText({ user: '\u0001'.repeat(128) as UserName, info: 'x'.repeat(254), connections: 99_999 })
    const text = roomEntryText(Array.from({ length: ENTRY_ITEMS_MAX }, () => longest))
    expect(bytes(text).length).toBeLessThan(ENTRY_BYTES_MAX)
  })
})
