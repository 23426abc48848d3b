import { parseUser, type SessionId, type UserName, userShard } from '@sluice/proto'
import { expect, test } from 'vitest'
import type { EntryGroup } from './entry-group.ts'
import { createLocalUsers } from './local-users.ts'

const ann = parseUser('ann', 128) as UserName
const session = (number: number): SessionId => `gw.${number}` as SessionId

function build() {
  const changed: EntryGroup[] = []
  const users = createLocalUsers((group) => changed.push(group))
  const written = (): unknown[] =>
    [...users.groups].flatMap(({ chunks }) => {
      chunks.rewrite()
      return chunks.take().flatMap(({ texts }) => (texts ?? []).map((text) => JSON.parse(text)))
    })
  return { users, changed, written }
}

test('a user is online with its connections, in the order of their coming', () => {
  const { users, written } = build()
  users.add(ann, session(1), 10)
  users.add(ann, session(2), 20)
  expect(written()).toEqual([
    {
      user: 'ann',
      sessions: [
        { session: 'gw.1', since: 10 },
        { session: 'gw.2', since: 20 },
      ],
    },
  ])
  expect([users.count, users.has(ann, session(2)), users.has(ann, session(3))]).toEqual([1, true, false])
})

test('a connection that is gone is gone at once, and of one that is not there nothing is changed', () => {
  const { users, changed, written } = build()
  users.add(ann, session(1), 10)
  users.remove(ann, session(2))
  expect(changed).toHaveLength(1)
  users.remove(ann, session(1))
  expect([written(), users.count]).toEqual([[], 0])
})

test('users are divided among shards by their names', () => {
  const { users, changed } = build()
  for (let n = 0; n < 200; n++) users.add(parseUser(`user-${n}`, 128) as UserName, session(n + 1), 0)
  expect(new Set(changed).size).toBeGreaterThan(150)
  users.add(ann, session(500), 0)
  expect(changed.at(-1)?.keyOf('gw-1', 0)).toBe(`user.${userShard(ann)}.gw-1.0`)
})
