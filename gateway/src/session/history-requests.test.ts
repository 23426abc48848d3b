// Requests about rooms and inboxes that keep something: what they ask of history, and what they are answered.
import {
  type ClientFrameWithPayload,
  createSubjects,
  inboxSchema,
  type Namespaces,
  namespacesSchema,
  type Payload,
} from '@sluice/proto'
import type { StoredPublish } from '@sluice/service/jetstream/stored-publish'
import { Tally } from '@sluice/service/metrics/tally'
import { describe, expect, test } from 'vitest'
import { storedAt } from '../../../test/harness/history-fakes.ts'
import { NO_RIGHTS } from '../../../test/harness/request-fakes.ts'
import { fakeConnection } from '../../../test/harness/session-fakes.ts'
import { finishJoin } from '../fanout/topic.ts'
import { createTopics } from '../fanout/topics.ts'
import type { CatchUpWish, CaughtUp } from '../history/catch-up.ts'
import { createEchoes } from '../history/echoes.ts'
import type { History, HistoryPage, PageWish } from '../history/history.ts'
import { createTargets } from '../history/targets.ts'
import type { Answer } from './answer.ts'
import { isJoined } from './membership.ts'
import { type PrepareOptions, prepare } from './prepare.ts'

const HISTORY = { messages: 10, seconds: 60 }
const anyone = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const NAMESPACES: Namespaces = namespacesSchema.parse({
  default: anyone,
  chat: { ...anyone, history: HISTORY },
  quiet: { ...anyone, history: HISTORY, echo: false },
  private: { history: HISTORY },
})
const CAUGHT_UP: CaughtUp = { epoch: 'e', end: { offset: 7, time: 1007 }, recovered: null }
const payload: Payload = { kind: 'json', bytes: Buffer.from('1') }

function build({ begun = true, inbox = true, caughtUp = CAUGHT_UP as CaughtUp | null } = {}) {
  const state = {
    wishes: [] as CatchUpWish[],
    stored: [] as StoredPublish[],
    live: [] as string[],
    pages: [] as [string, boolean, PageWish][],
    page: { messages: [storedAt(3, 0)], epoch: 'e', more: true } as HistoryPage | null,
    expected: [] as string[],
  }
  const backplane = {
    connected: true,
    connects: 0,
    publish: (subject: string) => state.live.push(subject) > 0,
    takeDenial: () => false,
    confirm: async () => true,
    listen: () => ({ denied: false, unsubscribe: () => undefined }),
  }
  const topics = createTopics({
    backplane,
    deliver: () => undefined,
    lingerSweeps: 1,
    onOpened: () => undefined,
    onClosed: () => undefined,
  })
  const subjects = createSubjects('sluice')
  const echoes = createEchoes()
  const history: History = {
    targets: createTargets({
      prefix: 'sluice',
      namespaces: () => NAMESPACES,
      inbox: () => inboxSchema.parse({ history: inbox ? HISTORY : false }),
    }),
    echoes: {
      ...echoes,
      expect: (id, ...rest) => {
        state.expected.push(id)
        return echoes.expect(id, ...rest)
      },
    },
    store: async (publish) => {
      state.stored.push(publish)
      return { kind: 'stored', offset: 9, duplicate: true }
    },
    epochOf: () => 'e',
    has: () => true,
    leaving: () => undefined,
    async join(member, topic, wish) {
      state.wishes.push(wish)
      if (caughtUp !== null) finishJoin(member, topic)
      return caughtUp
    },
    async page(_, target, topic, wish) {
      state.pages.push([target.publishSubject, topic !== undefined, wish])
      return state.page
    },
  }
  const options: PrepareOptions = {
    backplane,
    topics,
    subjects,
    namespaces: () => NAMESPACES,
    nameBytesMax: 128,
    payloadBytesMax: 1000,
    roomsMax: 10,
    presence: () => null,
    history: () => (begun ? history : null),
    isJoined: (one, subject) => isJoined(one, subject, topics),
    rights: NO_RIGHTS,
    asks: { ask: async () => ({ kind: 'no-service' }) },
    trace: { tracing: null, trustClients: true },
    counters: { publishes: new Tally(), calls: new Tally() },
  }
  const alice = fakeConnection({ grants: { send: ['*'] } })
  return {
    state,
    alice,
    publishes: options.counters.publishes as Tally,
    joined: (subject: string) => isJoined(alice, subject, topics),
    async ask(frame: object): Promise<Answer> {
      const started = await prepare(alice, frame as ClientFrameWithPayload, options).start()
      if (!('settle' in started)) return started
      return new Promise((resolve) => started.listen((answer) => resolve(answer) === undefined))
    },
  }
}

describe('a join of a room that keeps something', () => {
  test('is answered with where it stands, and makes a member', async () => {
    const { ask, state, joined } = build()
    expect(await ask({ type: 'join', room: 'chat:a' })).toEqual({
      ok: true,
      fields: { epoch: 'e', offset: 7, time: 1007 },
    })
    expect(state.wishes).toEqual([{ since: null, last: 0 }])
    expect(joined('sluice.room.chat.a')).toBe(true)
  })

  test.each([true, false])('with a position says whether it was recovered: %s', async (recovered) => {
    const { ask, state } = build({ caughtUp: { ...CAUGHT_UP, recovered } })
    const since = { epoch: 'e', offset: 3, time: 1003 }
    expect(await ask({ type: 'join', room: 'chat:a', since, history: 5 })).toMatchObject({ fields: { recovered } })
    expect(state.wishes).toEqual([{ since, last: 5 }])
  })

  test('that cannot be read, or has not begun, is unavailable and makes no member', async () => {
    for (const built of [build({ caughtUp: null }), build({ begun: false })]) {
      expect(await built.ask({ type: 'join', room: 'chat:a' })).toMatchObject({
        ok: false,
        code: 'unavailable',
        message: 'history is away',
      })
      expect([built.joined('sluice.room.chat.a'), built.alice.topics]).toEqual([false, []])
    }
  })

  test('asks history for nothing where nothing is kept', async () => {
    const { ask, state } = build()
    expect(await ask({ type: 'join', room: 'lobby' })).toEqual({ ok: true, fields: {} })
    expect(state.wishes).toEqual([])
  })
})

describe('an inbox', () => {
  test('that keeps something is joined once, and left', async () => {
    const { ask, state, joined } = build()
    const join = { type: 'join', user: 'alice', history: 3 }
    expect(await ask(join)).toMatchObject({ ok: true, fields: { epoch: 'e', offset: 7 } })
    expect(state.wishes).toEqual([{ since: null, last: 3 }])
    expect(await ask(join)).toMatchObject({ ok: false, code: 'already_joined' })
    expect(joined('sluice.user.alice')).toBe(true)
    expect(await ask({ type: 'leave', user: 'alice' })).toEqual({ ok: true, fields: {} })
    expect(joined('sluice.user.alice')).toBe(false)
    expect(await ask(join)).toMatchObject({ ok: true })
  })

  test('does not count as a room', async () => {
    const { ask } = build()
    await ask({ type: 'join', user: 'alice' })
    for (let n = 0; n < 10; n++) expect(await ask({ type: 'join', room: `r${n}` })).toMatchObject({ ok: true })
  })

  test('that cannot be read is unavailable, and not joined', async () => {
    const { ask, joined } = build({ caughtUp: null })
    expect(await ask({ type: 'join', user: 'alice' })).toMatchObject({ ok: false, code: 'unavailable' })
    expect(joined('sluice.user.alice')).toBe(false)
  })

  test('without a history is joined from `welcome` on: a join changes nothing, nor does a leave', async () => {
    const { ask, state } = build({ inbox: false })
    expect(await ask({ type: 'join', user: 'alice' })).toEqual({ ok: true, fields: {} })
    expect(await ask({ type: 'leave', user: 'alice' })).toEqual({ ok: true, fields: {} })
    expect(state.wishes).toEqual([])
    for (const fields of [{ history: 1 }, { since: { epoch: 'e', offset: 1 } }])
      expect(await ask({ type: 'join', user: 'alice', ...fields })).toMatchObject({ code: 'not_enabled' })
  })
})

describe('a publish into a history', () => {
  test('is stored, under the id of its key, and says so', async () => {
    const { ask, state, publishes } = build()
    const publish = { type: 'publish', id: 1, room: 'chat:a', key: 'k', payload }
    expect(await ask(publish)).toEqual({ ok: true, fields: { offset: 9, epoch: 'e', duplicate: true } })
    await ask(publish)
    await ask({ ...publish, room: 'chat:b' })
    const ids = state.stored.map(({ messageId }) => messageId)
    expect(ids[0]).toBe(ids[1])
    expect(ids[0]).not.toBe(ids[2])
    expect(state.stored[0]).toMatchObject({
      subject: 'sluice.pub.room.chat.a',
      headers: [
        ['Sluice-From', 'alice'],
        ['Sluice-Session', 'gw=2E1'],
        ['Sluice-Key', 'k'],
      ],
    })
    expect([state.live, publishes.get('stored_room')]).toEqual([[], 3])
  })

  test('keeps its payload, as a retry must not send what has overwritten its frame', async () => {
    const { ask, state } = build()
    const bytes = Buffer.from('1')
    const answer = ask({ type: 'publish', id: 1, room: 'chat:a', payload: { kind: 'json', bytes } })
    bytes.write('2')
    await answer
    expect(Buffer.from(state.stored[0]?.payload ?? []).toString()).toBe('1')
  })

  test('that is ephemeral is not', async () => {
    const { ask, state } = build()
    await ask({ type: 'publish', id: 1, room: 'chat:a', ephemeral: true, payload })
    await ask({ type: 'send', id: 2, user: 'bob', ephemeral: true, payload })
    expect([state.stored, state.live]).toEqual([[], ['sluice.room.chat.a', 'sluice.user.bob']])
  })

  test.each<[object, boolean, boolean]>([
    [{ id: 1, room: 'quiet:a' }, true, true],
    [{ id: 1, room: 'quiet:a' }, false, false],
    [{ id: 1, room: 'quiet:a', echo: true }, true, false],
    [{ id: 1, room: 'chat:a' }, true, false],
    [{ id: 1, room: 'chat:a', echo: false }, true, true],
    // There is no `ok` that could take its place.
    [{ room: 'quiet:a' }, true, false],
  ])('%j by a member (%s) has its `ok` in the place of the message: %s', async (fields, member, expected) => {
    const { ask, state } = build()
    if (member) for (const room of ['quiet:a', 'chat:a']) await ask({ type: 'join', room })
    await ask({ type: 'publish', payload, ...fields })
    expect(state.expected).toHaveLength(expected ? 1 : 0)
  })

  test('that has not begun is unavailable', async () => {
    const { ask, state } = build({ begun: false })
    expect(await ask({ type: 'publish', id: 1, room: 'chat:a', payload })).toMatchObject({ code: 'unavailable' })
    expect(state.live).toEqual([])
  })

  test('of a user is a send', async () => {
    const { ask, state, publishes } = build()
    await ask({ type: 'send', id: 1, user: 'bob', key: 'k', payload })
    await ask({ type: 'send', id: 2, session: 'gw.5', key: 'k', payload })
    expect(state.stored).toMatchObject([{ subject: 'sluice.pub.user.bob' }])
    expect([state.live, publishes.get('stored_user')]).toEqual([['sluice.session.gw.5'], 1])
  })

  test.each([{ room: 'private:a' }, { room: 'nowhere:a' }])('%j without the right stores nothing', async (fields) => {
    const { ask, state } = build()
    expect(await ask({ type: 'publish', id: 1, payload, ...fields })).toMatchObject({ ok: false })
    expect(state.stored).toEqual([])
  })
})

describe('the request `history`', () => {
  test('is answered with a page, its messages apart', async () => {
    const { ask, state } = build()
    await ask({ type: 'join', room: 'chat:a' })
    expect(await ask({ type: 'history', room: 'chat:a', limit: 5, before: 9 })).toEqual({
      ok: true,
      fields: { epoch: 'e', more: true },
      messages: [storedAt(3, 0)],
    })
    await ask({ type: 'history', room: 'chat:b', limit: 6, after: 2 })
    await ask({ type: 'history', user: 'alice', limit: 7 })
    expect(state.pages).toEqual([
      ['sluice.pub.room.chat.a', true, { limit: 5, before: 9, after: undefined }],
      ['sluice.pub.room.chat.b', false, { limit: 6, before: undefined, after: 2 }],
      ['sluice.pub.user.alice', false, { limit: 7, before: undefined, after: undefined }],
    ])
  })

  test('that cannot be read, or has not begun, is unavailable', async () => {
    const built = build()
    built.state.page = null
    expect(await built.ask({ type: 'history', room: 'chat:a', limit: 1 })).toMatchObject({ code: 'unavailable' })
    const early = build({ begun: false })
    expect(await early.ask({ type: 'history', room: 'chat:a', limit: 1 })).toMatchObject({ code: 'unavailable' })
  })

  test.each<[object, string]>([
    [{ room: 'private:a' }, 'forbidden'],
    [{ room: 'lobby' }, 'not_enabled'],
    [{ room: 'nowhere:a' }, 'unknown_namespace'],
    [{ user: 'bob' }, 'forbidden'],
  ])('%j is %s', async (fields, code) => {
    const { ask, state } = build()
    expect(await ask({ type: 'history', limit: 1, ...fields })).toMatchObject({ ok: false, code })
    expect(state.pages).toEqual([])
  })
})
