import {
  type ClientFrameOf,
  createSubjects,
  type Namespaces,
  namespacesSchema,
  parseRoom,
  type Room,
} from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { NO_RIGHTS } from '../../../test/harness/request-fakes.ts'
import { type FakeConnection, fakeConnection } from '../../../test/harness/session-fakes.ts'
import { createTopics, type Topics } from '../fanout/topics.ts'
import type { Presence } from '../presence/presence.ts'
import type { Answer } from './answer.ts'
import type { Connection } from './connection.ts'
import { askPresence, isJoined, join, leave } from './membership.ts'
import type { SignedIn } from './publish.ts'

const subjects = createSubjects('sluice')
const room = (name: string): Room => parseRoom(name, 128) as Room
const subjectOf = (name: string): string => subjects.room(room(name))

type Ask = (typeof NO_RIGHTS)['ask']

async function build({
  confirms = true,
  roomsMax = 3,
  presence = null as Presence | null,
  ask = NO_RIGHTS.ask as Ask,
} = {}) {
  const held: string[] = []
  const state: { namespaces: Namespaces } = {
    namespaces: namespacesSchema.parse({
      default: { join: { who: 'anyone' } },
      chat: { join: { who: 'anyone' } },
      private: {},
      seen: { join: { who: 'anyone' }, presence: true },
      hall: { presence: true },
      desk: { join: { who: 'service' } },
    }),
  }
  const backplane = {
    connected: true,
    connects: 0,
    confirms,
    confirm: async () => backplane.confirms,
    listen: () => ({ denied: false, unsubscribe: () => undefined }),
  }
  const topics: Topics = createTopics({
    backplane,
    deliver: () => undefined,
    lingerSweeps: 1,
    onOpened: () => undefined,
    onClosed: () => undefined,
  })
  const options = {
    topics,
    subjects,
    namespaces: () => state.namespaces,
    roomsMax,
    presence: () => presence,
    history: () => null,
    rights: {
      ...NO_RIGHTS,
      ask,
      hold: (_: Connection, { name }: Room): void => void held.push(name),
      drop: (_: Connection, name: string): void => void held.splice(held.indexOf(name), 1),
    },
  }
  const connection = fakeConnection()
  backplane.confirms = true
  await topics.join(connection, 'sluice.user.alice', { kind: 'user', name: 'alice' as never })
  backplane.confirms = confirms
  return {
    state,
    held,
    topics,
    connection,
    join: async (
      name: string,
      fields: Partial<ClientFrameOf<'join'>> = {},
      who: FakeConnection = connection,
    ): Promise<Answer> =>
      join(who as unknown as SignedIn, { type: 'join', room: name, ...fields }, room(name), options),
    ask: async (name: string): Promise<Answer> => askPresence(connection as unknown as SignedIn, room(name), options),
    leave: (name: string): Answer => leave(connection as unknown as SignedIn, room(name), options),
    joined: (name: string): boolean => isJoined(connection, subjectOf(name), topics),
  }
}

describe('a join', () => {
  test('makes a member', async () => {
    const built = await build()
    expect(built.joined('lobby')).toBe(false)
    expect(await built.join('lobby')).toEqual({ ok: true, fields: {} })
    expect(built.joined('lobby')).toBe(true)
    expect(built.topics.find(subjectOf('lobby'))?.members).toEqual([built.connection])
  })

  test('is no membership until it is confirmed, and none if it is not', async () => {
    const built = await build({ confirms: false })
    const answer = built.join('lobby')
    expect(built.joined('lobby')).toBe(false)
    expect(await answer).toMatchObject({ ok: false, code: 'unavailable', retryAfterMs: 2000 })
    expect(built.joined('lobby')).toBe(false)
  })

  test('of a room that one is in changes nothing', async () => {
    const built = await build()
    await built.join('lobby')
    expect(await built.join('default:lobby')).toMatchObject({ ok: false, code: 'already_joined' })
    expect(built.joined('lobby')).toBe(true)
  })

  test.each([
    ['private:a', 'forbidden'],
    ['nowhere:a', 'unknown_namespace'],
  ])('of %s without the right is %s', async (name, code) => {
    const built = await build()
    expect(await built.join(name)).toMatchObject({ ok: false, code })
    expect(built.topics.find(subjectOf(name))).toBeUndefined()
  })

  test.each<Partial<ClientFrameOf<'join'>>>([{ since: { epoch: 'e', offset: 0 } }, { history: 1 }])(
    'that asks for a history where none is kept (%j) is refused and makes no member',
    async (fields) => {
      const built = await build()
      expect(await built.join('lobby', fields)).toMatchObject({ ok: false, code: 'not_enabled' })
      expect(built.joined('lobby')).toBe(false)
    },
  )
})

test('a join that says it asks for no presence is one like any other', async () => {
  const built = await build()
  expect(await built.join('lobby', { presence: false })).toMatchObject({ ok: true })
})

describe('the number of rooms', () => {
  test('is bounded, the topic of the user not counted, and a left room makes way', async () => {
    const built = await build({ roomsMax: 3 })
    for (const name of ['a', 'b', 'c']) expect(await built.join(name)).toMatchObject({ ok: true })
    expect(await built.join('d')).toMatchObject({ ok: false, code: 'room_limit' })
    expect(await built.join('a')).toMatchObject({ code: 'already_joined' })
    built.leave('b')
    expect(await built.join('d')).toMatchObject({ ok: true })
  })

  test('counts those that are being joined', async () => {
    const built = await build({ roomsMax: 3 })
    const answers = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => built.join(name)))
    expect(answers.map((answer) => answer.ok)).toEqual([true, true, true, false, false])
  })

  test('is that of one connection', async () => {
    const built = await build({ roomsMax: 1 })
    await built.join('a')
    const other = fakeConnection({ number: 2, user: 'bob' })
    await built.topics.join(other, 'sluice.user.bob', { kind: 'user', name: 'bob' as never })
    expect(await built.join('b', {}, other)).toMatchObject({ ok: true })
  })
})

describe('a leave', () => {
  test('ends the membership at once', async () => {
    const built = await build()
    await built.join('lobby')
    expect(built.leave('default:lobby')).toEqual({ ok: true, fields: {} })
    expect(built.joined('lobby')).toBe(false)
  })

  test('where one is not is no mistake', async () => {
    const built = await build()
    expect(built.leave('lobby')).toEqual({ ok: true, fields: {} })
    expect(built.leave('private:a')).toEqual({ ok: true, fields: {} })
  })

  test('of a namespace that there is not is one', async () => {
    const built = await build()
    expect(built.leave('nowhere:a')).toMatchObject({ ok: false, code: 'unknown_namespace' })
  })

  test('works also when a new configuration has taken the namespace away', async () => {
    const built = await build()
    await built.join('chat:a')
    built.state.namespaces = namespacesSchema.parse({ default: {} })
    expect(await built.join('chat:b')).toMatchObject({ code: 'unknown_namespace' })
    expect(built.leave('chat:a')).toEqual({ ok: true, fields: {} })
    expect(built.joined('chat:a')).toBe(false)
    expect(built.leave('chat:a')).toMatchObject({ code: 'unknown_namespace' })
  })
})

/** Presence that notes what it is told, and whose view comes or does not. */
function fakePresence({ view = {} as unknown } = {}) {
  const told: string[] = []
  const note =
    (word: string) =>
    (_: unknown, room: Room): void =>
      void told.push(`${word} ${room.name}`)
  const presence = {
    entered: note('entered'),
    left: note('left'),
    async prepareWatch(_: unknown, room: Room) {
      told.push(`prepare ${room.name}`)
      return view
    },
    beginWatch: () => ({ members: [], count: 3 }),
    dropWatch: () => void told.push('drop'),
    ask: async ({ local }: Room) =>
      local === 'late' ? { ok: false, code: 'timeout', message: 'late' } : { ok: true, members: [], count: 5 },
  } as unknown as Presence
  return { presence, told }
}

describe('presence', () => {
  test('is not enabled where a namespace has it off', async () => {
    const built = await build(fakePresence())
    expect(await built.join('lobby', { presence: true })).toMatchObject({ ok: false, code: 'not_enabled' })
    expect(await built.ask('lobby')).toMatchObject({ ok: false, code: 'not_enabled' })
    expect(built.joined('lobby')).toBe(false)
  })

  test('shows whoever joins and leaves where it is on', async () => {
    const { presence, told } = fakePresence()
    const built = await build({ presence })
    expect(await built.join('seen:a')).toEqual({ ok: true, fields: {} })
    await built.join('lobby')
    built.leave('seen:a')
    expect(told).toEqual(['entered seen:a', 'left seen:a'])
  })

  test('is watched by a join that asks for it, answered with who is there', async () => {
    const { presence, told } = fakePresence()
    const built = await build({ presence })
    expect(await built.join('seen:a', { presence: true })).toEqual({ ok: true, fields: { members: [], count: 3 } })
    expect([built.joined('seen:a'), told]).toEqual([true, ['prepare seen:a']])
  })

  test('that does not come in time makes no member', async () => {
    const { presence, told } = fakePresence({ view: null })
    const built = await build({ presence })
    expect(await built.join('seen:a', { presence: true })).toMatchObject({ ok: false, code: 'unavailable' })
    expect([built.joined('seen:a'), told]).toEqual([false, ['prepare seen:a', 'left seen:a']])
  })

  test('that comes for a connection that is gone is dropped', async () => {
    const { presence, told } = fakePresence()
    const built = await build({ presence })
    const joining = built.join('seen:a', { presence: true })
    built.topics.leaveAll(built.connection)
    expect(await joining).toMatchObject({ ok: false })
    expect(told.at(-1)).toBe('left seen:a')
  })

  test('that has not begun is unavailable', async () => {
    const built = await build()
    expect(await built.join('seen:a', { presence: true })).toMatchObject({ code: 'unavailable', retryAfterMs: 2000 })
    expect(await built.ask('seen:a')).toMatchObject({ code: 'unavailable' })
    expect(await built.join('seen:a')).toMatchObject({ ok: true })
  })

  test('is told to who may join, with the error of who was asked', async () => {
    const built = await build(fakePresence())
    expect(await built.ask('seen:a')).toEqual({ ok: true, fields: { members: [], count: 5 } })
    expect(await built.ask('seen:late')).toMatchObject({ ok: false, code: 'timeout', message: 'late' })
    expect(await built.ask('hall:a')).toMatchObject({ ok: false, code: 'forbidden' })
    expect(await built.ask('nowhere:a')).toMatchObject({ ok: false, code: 'unknown_namespace' })
  })
})

describe('a join that a service decides about', () => {
  const right = { ttlMs: null, info: undefined, limits: {} }

  test('holds its right from before the first message until it leaves', async () => {
    const { join, leave, held, joined } = await build({ ask: async () => right })
    expect(await join('desk:a')).toMatchObject({ ok: true })
    expect([held, joined('desk:a')]).toEqual([['desk:a'], true])
    leave('desk:a')
    expect(held).toEqual([])
  })

  test('that is refused, or fails after it was allowed, holds nothing', async () => {
    const refusedOne = await build()
    expect(await refusedOne.join('desk:a')).toMatchObject({ code: 'no_service' })
    expect([refusedOne.held, refusedOne.topics.find(subjectOf('desk:a'))]).toEqual([[], undefined])
    const late = await build({ ask: async () => right, confirms: false })
    expect(await late.join('desk:a')).toMatchObject({ code: 'unavailable' })
    expect(late.held).toEqual([])
  })

  test('is looked at again when the answer has come: rooms may be full, namespaces gone, the connection closed', async () => {
    for (const [change, code] of [
      [async ({ join }: Built) => void (await join('lobby')), 'room_limit'],
      [async ({ state }: Built) => void Object.assign(state, { namespaces: {} }), 'unknown_namespace'],
      [async ({ connection }: Built) => void Object.assign(connection, { phase: 'closing' }), 'unauthorized'],
    ] as const) {
      let allow: () => void = () => undefined
      const built = await build({
        roomsMax: 1,
        ask: () => new Promise((resolve) => (allow = () => resolve(right))),
      })
      const answer = built.join('desk:a')
      await change(built)
      allow()
      expect(await answer).toMatchObject({ code })
      expect([built.held, built.topics.find(subjectOf('desk:a'))]).toEqual([[], undefined])
    }
  })
})

type Built = Awaited<ReturnType<typeof build>>
