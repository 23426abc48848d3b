import type { RoomName, UserName } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { type FakeConnection, fakeConnection, principalOf } from '../../../test/harness/session-fakes.ts'
import { createConnections } from '../session/connections.ts'
import { createActs } from './acts.ts'

const user = 'ann' as UserName
const room = 'lobby' as RoomName

interface Said {
  readonly number: number
  readonly issuedAt?: number | null
  readonly tokenId?: string | null
  readonly name?: string
}

function build(...all: readonly Said[]) {
  const connections = createConnections()
  const made = all.map(({ number, name = 'ann', issuedAt = null, tokenId = null }) => {
    const connection: FakeConnection = fakeConnection({ number, user: name })
    connection.principal = { ...principalOf(name), issuedAt, tokenId }
    connections.add(connection)
    connections.signedIn(connection)
    return connection
  })
  const closed: [number, number][] = []
  const placed: string[] = []
  const ahead: unknown[] = []
  const acts = createActs({
    connections,
    wire: {
      close(connection, code) {
        connection.phase = 'closing'
        closed.push([connection.number, code])
      },
    },
    placing: {
      async add(connection, { name }) {
        placed.push(`add ${connection.number} ${name}`)
        return connection.number !== 2
      },
      async remove(connection, { name }, code, reason) {
        placed.push(`remove ${connection.number} ${name} ${code} ${reason}`)
        return true
      },
    },
    revocations: { ahead: (target, notBefore) => ahead.push([target, notBefore]) },
  })
  return { acts, closed, placed, ahead, made }
}

describe('disconnect', () => {
  test('closes what is open of a user, once', () => {
    const { acts, closed } = build({ number: 1 }, { number: 2 }, { number: 3, name: 'ben' })
    expect(acts.disconnect({ verb: 'disconnect', id: 'a', user, reason: '' })).toBe(2)
    expect(acts.disconnect({ verb: 'disconnect', id: 'b', user, reason: '' })).toBe(0)
    expect(closed).toEqual([
      [1, 4005],
      [2, 4005],
    ])
  })

  test('spares tokens that are not older, and tells of the others before they are looked for', () => {
    const { acts, closed, ahead } = build({ number: 1, issuedAt: 99 }, { number: 2, issuedAt: 100 }, { number: 3 })
    expect(acts.disconnect({ verb: 'disconnect', id: 'a', user, notBefore: 100, reason: '' })).toBe(2)
    expect(closed.map(([number]) => number)).toEqual([1, 3])
    expect(ahead).toEqual([[{ kind: 'user', name: 'ann' }, 100]])
  })

  test('finds a token by its id, and a session by its whole name', () => {
    const { acts, closed } = build({ number: 1, tokenId: 't' }, { number: 2, tokenId: 'u' }, { number: 3 })
    expect(acts.disconnect({ verb: 'disconnect', id: 'a', token: 't', reason: '' })).toBe(1)
    expect(acts.disconnect({ verb: 'disconnect', id: 'b', session: 'other.3' as never, reason: '' })).toBe(0)
    expect(acts.disconnect({ verb: 'disconnect', id: 'c', session: 'gw.3' as never, reason: '' })).toBe(1)
    expect(closed.map(([number]) => number)).toEqual([1, 3])
  })
})

test('join and leave count those who were not so already', async () => {
  const { acts, placed } = build({ number: 1 }, { number: 2 }, { number: 3, name: 'ben' })
  expect(await acts.join({ verb: 'join', id: 'a', user, room })).toBe(1)
  expect(await acts.leave({ verb: 'leave', id: 'b', user, room, reason: 'out' })).toBe(2)
  expect(placed).toEqual(['add 1 lobby', 'add 2 lobby', 'remove 1 lobby forbidden out', 'remove 2 lobby forbidden out'])
})
