import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { grantedRooms, grantsName, grantsRoom, grantsSchema, PATTERN_CHARS_MAX, PATTERNS_MAX } from './grants.ts'
import { parseRoom, type UserName } from './names.ts'

const room = (text: string) => parseRoom(text, 128)!
const user = (text: string) => text as UserName
const alice = user('alice')

describe('a pattern of rooms [P-3.6]', () => {
  test.each([
    ['lobby', 'lobby'],
    ['lobby', 'default:lobby'],
    ['default:lobby', 'lobby'],
    ['chat:lobby', 'chat:lobby'],
    ['chat:*', 'chat:lobby'],
    ['chat:*', 'chat:a:b'],
    ['default:*', 'lobby'],
    ['default:*', 'default:a:b'],
    ['default:a:b', 'default:a:b'],
    ['inbox:{user}', 'inbox:alice'],
    ['inbox:{user}:{user}', 'inbox:alice:alice'],
    ['{user}', 'alice'],
  ])('%s fits %s', (pattern, name) => {
    expect(grantsRoom([pattern], room(name), alice)).toBe(true)
  })

  test.each([
    ['*', 'lobby'],
    ['*', 'chat:lobby'],
    ['chat:*', 'lobby'],
    ['chat:*', 'chats:lobby'],
    ['chat:lob*', 'chat:lobby'],
    ['chat:lobby', 'lobby'],
    ['lobby', 'chat:lobby'],
    ['a:b', 'default:a:b'],
    ['{user}:a', 'alice:a'],
    ['inbox:{user}', 'inbox:bob'],
    ['', 'lobby'],
    [':lobby', 'lobby'],
  ])('%s does not fit %s', (pattern, name) => {
    expect(grantsRoom([pattern], room(name), alice)).toBe(false)
  })

  test('of nobody fits nothing', () => {
    expect(grantsRoom(undefined, room('lobby'), alice)).toBe(false)
    expect(grantsRoom([], room('lobby'), alice)).toBe(false)
  })

  test('is not widened by the name of its user, whatever it is', () => {
    const names = fc.oneof(fc.constantFrom('a:b', '*', 'x:*', '$&', "$'", '$1', '{user}', 'chat:*'), fc.string())
    fc.assert(
      fc.property(names, fc.constantFrom('lobby', 'chat:lobby', 'x:y', 'a:b', 'chat:x'), (name, target) => {
        expect(grantsRoom(['{user}', 'inbox:{user}'], room(target), user(name))).toBe(
          name === target && !name.includes(':'),
        )
      }),
      { examples: [['lobby', 'lobby']] },
    )
  })

  test.each(['a:b', '$&', '{user}', 'x'])('stands for the room of a user named %s alone', (name) => {
    expect(grantsRoom(['inbox:{user}'], room(`inbox:${name}`), user(name))).toBe(true)
    expect(grantsRoom(['inbox:{user}'], room('inbox:other'), user(name))).toBe(false)
  })
})

describe('a pattern of names [P-3.6]', () => {
  test.each([
    ['bob', 'bob', true],
    ['*', 'bob', true],
    ['{user}', 'alice', true],
    ['{user}', 'bob', false],
    ['bo*', 'bob', false],
    ['{user}.read', 'alice.read', true],
    ['', '', true],
  ])('%j fits %j: %j', (pattern, name, fits) => {
    expect(grantsName([pattern], name, alice)).toBe(fits)
  })

  test('of nobody fits nothing', () => {
    expect(grantsName(undefined, 'bob', alice)).toBe(false)
  })

  test('keeps the name of its user literal', () => {
    expect(grantsName(['{user}'], '{user}', user('$&'))).toBe(false)
    expect(grantsName(['{user}'], '$&', user('$&'))).toBe(true)
    expect(grantsName(['{user}'], 'bob', user('*'))).toBe(false)
  })
})

describe('grants', () => {
  const accepts = (grants: unknown) => grantsSchema.safeParse(grants).success

  test('may leave out everything, and hold fields of a later release', () => {
    expect(grantsSchema.parse({})).toEqual({})
    expect(grantsSchema.parse({ join: ['a'], later: 1 })).toEqual({ join: ['a'] })
  })

  test('are bounded in patterns and their length', () => {
    expect(accepts({ join: Array(PATTERNS_MAX).fill('a') })).toBe(true)
    expect(accepts({ join: Array(PATTERNS_MAX + 1).fill('a') })).toBe(false)
    expect(accepts({ send: ['x'.repeat(PATTERN_CHARS_MAX)] })).toBe(true)
    expect(accepts({ send: ['x'.repeat(PATTERN_CHARS_MAX + 1)] })).toBe(false)
  })

  test.each([null, 7, 'chat:*', [], { join: 'chat:*' }, { join: [7] }, { join: [''] }, { hidden: 1 }])(
    'are not %j',
    (grants) => {
      expect(accepts(grants)).toBe(false)
    },
  )
})

describe('the rooms of a grant', () => {
  const named = (patterns: string[] | undefined, name: string): string[] =>
    grantedRooms(patterns, user(name), 128).map((room) => room.name)

  test('are each named once, in their canonical form', () => {
    expect(named(undefined, 'alice')).toEqual([])
    expect(named(['lobby', 'default:lobby', 'chat:staff', 'inbox:{user}'], 'alice')).toEqual([
      'lobby',
      'chat:staff',
      'inbox:alice',
    ])
  })

  test('leave out what is no room, and stay in their namespace whatever the user is called', () => {
    expect(named(['chat:*', '*', ':', 'chat:', `chat:${'x'.repeat(124)}`], 'alice')).toEqual([])
    expect(named(['{user}', 'chat:{user}'], 'private:desk')).toEqual(['default:private:desk', 'chat:private:desk'])
  })
})
