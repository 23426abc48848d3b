import { type Namespaces, namespacesSchema, parseRoom, type Room, type UserName } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { principalOf } from '../../../test/harness/session-fakes.ts'
import { namespaceOf, roomRefusal, sendRefusal, sessionRefusal } from './authorise.ts'
import { isRefusal } from './targets.ts'

const namespaces: Namespaces = namespacesSchema.parse({
  default: { join: { who: 'anyone' }, publish: { who: 'anyone' } },
  private: {},
  ask: { join: { who: 'service' }, publish: { who: 'service' } },
  news: { join: { who: 'anyone' } },
})

const room = (name: string): Room => parseRoom(name, 128) as Room

describe('the namespace of a room', () => {
  test('is found by its name', () => {
    expect(namespaceOf(namespaces, room('lobby'))).toBe(namespaces.default)
    expect(namespaceOf(namespaces, room('private:a'))).toBe(namespaces.private)
  })

  test.each(['nowhere:a', 'constructor:a', '__proto__:a', 'toString:a'])('does not exist for %s', (name) => {
    expect(namespaceOf(namespaces, room(name))).toMatchObject({ ok: false, code: 'unknown_namespace' })
  })
})

describe('whether a user may', () => {
  test.each<['join' | 'publish', string, string[] | undefined, string | null]>([
    ['join', 'lobby', undefined, null],
    ['publish', 'lobby', undefined, null],
    ['join', 'private:a', undefined, 'forbidden'],
    ['join', 'private:a', ['private:b'], 'forbidden'],
    ['join', 'private:a', ['private:a'], null],
    ['join', 'private:a', ['private:*'], null],
    ['publish', 'private:a', ['private:*'], null],
    ['join', 'private:alice', ['private:{user}'], null],
    ['join', 'private:bob', ['private:{user}'], 'forbidden'],
    ['join', 'ask:a', ['ask:*'], 'ask'],
    ['publish', 'ask:a', undefined, 'ask'],
    ['join', 'news:a', undefined, null],
    ['publish', 'news:a', undefined, 'forbidden'],
  ])('%s %s with the grants %j: %s', (action, name, granted, code) => {
    const settings = namespaceOf(namespaces, room(name))
    if (isRefusal(settings)) return expect.fail(settings.message)
    const grants = granted === undefined ? {} : { [action]: granted }
    const right = roomRefusal(action, settings, room(name), principalOf('alice', grants))
    expect(isRefusal(right) ? right.code : right).toBe(code)
  })

  test('not publish with a grant to join, nor the other way', () => {
    const settings = namespaces.private as Namespaces[string]
    expect(roomRefusal('publish', settings, room('private:a'), principalOf('alice', { join: ['private:*'] }))).not.toBe(
      null,
    )
    expect(roomRefusal('join', settings, room('private:a'), principalOf('alice', { publish: ['private:*'] }))).not.toBe(
      null,
    )
  })

  test.each<[string[] | undefined, string | null]>([
    [undefined, 'forbidden'],
    [['carol'], 'forbidden'],
    [['bob'], null],
    [['*'], null],
    [['{user}'], 'forbidden'],
  ])('send to bob with the grants %j: %s', (send, code) => {
    const grants = send === undefined ? {} : { send }
    expect(sendRefusal('bob' as UserName, principalOf('alice', grants))?.code ?? null).toBe(code)
  })

  test.each<[string, string[] | undefined, string | null]>([
    ['gw.1', undefined, null],
    ['gw.2', undefined, 'forbidden'],
    ['gw.2', ['bob'], 'forbidden'],
    ['gw.2', ['bob', '*'], null],
  ])('send to the session %s from gw.1 with the grants %j: %s', (session, send, code) => {
    const grants = send === undefined ? {} : { send }
    expect(sessionRefusal(session, 'gw.1', principalOf('alice', grants))?.code ?? null).toBe(code)
  })
})
