import { type ClientFrameWithPayload, createSubjects, namespacesSchema } from '@sluice/proto'
import { Tally } from '@sluice/service/metrics/tally'
import { describe, expect, test } from 'vitest'
import { NO_RIGHTS } from '../../../test/harness/request-fakes.ts'
import { fakeConnection } from '../../../test/harness/session-fakes.ts'
import { createTopics } from '../fanout/topics.ts'
import { type PrepareOptions, prepare } from './prepare.ts'

const backplane = {
  connected: true,
  connects: 0,
  publish: () => true,
  takeDenial: () => false,
  confirm: async () => true,
  listen: () => ({ denied: false, unsubscribe: () => undefined }),
}

const options: PrepareOptions = {
  backplane,
  topics: createTopics({
    backplane,
    deliver: () => undefined,
    lingerSweeps: 1,
    onOpened: () => undefined,
    onClosed: () => undefined,
  }),
  subjects: createSubjects('sluice'),
  namespaces: () => namespacesSchema.parse({ default: { join: { who: 'anyone' }, publish: { who: 'anyone' } } }),
  nameBytesMax: 128,
  payloadBytesMax: 1000,
  roomsMax: 10,
  presence: () => null,
  history: () => null,
  isJoined: () => true,
  rights: NO_RIGHTS,
  asks: { ask: async () => ({ kind: 'no-service' }) },
  trace: { tracing: null, trustClients: true },
  counters: { publishes: new Tally(), calls: new Tally() },
}

const data = { payload: { kind: 'json', bytes: Buffer.from('1') }, data: 1 }

function prepared(frame: object) {
  return prepare(fakeConnection({ grants: { send: ['*'] } }), frame as ClientFrameWithPayload, options)
}

describe('a frame that has a handler', () => {
  test.each<[object, string, boolean]>([
    [{ type: 'join', room: 'lobby' }, 'lobby', true],
    [{ type: 'join', room: 'default:lobby' }, 'lobby', true],
    [{ type: 'leave', room: 'lobby' }, 'lobby', false],
    [{ type: 'publish', room: 'default:lobby', ...data }, 'lobby', false],
    [{ type: 'publish', room: 'lobby', key: 'k', ...data }, 'lobby', false],
    [{ type: 'join', user: 'alice' }, '*inbox', true],
    [{ type: 'leave', user: 'alice' }, '*inbox', false],
    [{ type: 'send', user: 'bob', ...data }, '*send', false],
    [{ type: 'send', session: 'gw.2', ...data }, '*send', false],
  ])('%j stands in the lane %s, holding it: %s', async (frame, key, exclusive) => {
    const { start, ...lane } = prepared(frame)
    expect(lane).toEqual({ key, exclusive })
    expect(await start()).toEqual({ ok: true, fields: {} })
  })

  test('does nothing until it is started', async () => {
    const { start } = prepared({ type: 'join', room: 'unstarted' })
    const subject = options.subjects.room({ namespace: 'default', local: 'unstarted' })
    expect(options.topics.find(subject)).toBeUndefined()
    await start()
    expect(options.topics.find(subject)).toBeDefined()
  })
})

describe('a frame that is refused whatever happens', () => {
  test.each<[object, string]>([
    [{ type: 'publish', room: 'chat:*', ...data }, 'unsupported'],
    [{ type: 'presence', room: 'chat:*' }, 'unsupported'],
    [{ type: 'history', room: 'chat:*', limit: 1 }, 'unsupported'],
    [{ type: 'join', room: `${'c'.repeat(200)}:*` }, 'bad_request'],
    [{ type: 'join' }, 'bad_request'],
    [{ type: 'join', room: '' }, 'bad_request'],
    [{ type: 'leave', room: 'a*' }, 'bad_request'],
    [{ type: 'publish', room: ':', ...data }, 'bad_request'],
    [{ type: 'presence', room: 'a*' }, 'bad_request'],
    [{ type: 'history', room: 'a*', limit: 1 }, 'bad_request'],
  ])('%j: %s', async (frame, code) => {
    const { key, start } = prepared(frame)
    expect(await start()).toMatchObject({ ok: false, code })
    expect(key).toBe('*refused')
  })

  test.each<[object, string]>([
    [{ type: 'join', room: 'lobby', since: { epoch: 'e', offset: 1 } }, 'not_enabled'],
    [{ type: 'join', room: 'lobby', history: 5 }, 'not_enabled'],
    [{ type: 'history', room: 'lobby', limit: 1 }, 'not_enabled'],
    [{ type: 'history', room: 'nowhere:a', limit: 1 }, 'unknown_namespace'],
    [{ type: 'history', user: 'alice', limit: 1 }, 'not_enabled'],
    [{ type: 'history', user: 'bob', limit: 1 }, 'forbidden'],
    [{ type: 'join', user: 'bob' }, 'forbidden'],
    [{ type: 'join', user: 'alice', history: 1 }, 'not_enabled'],
    [{ type: 'join', user: 'alice', presence: true }, 'not_enabled'],
    [{ type: 'leave', user: 'bob' }, 'forbidden'],
    [{ type: 'join', room: 'lobby', presence: true }, 'not_enabled'],
    [{ type: 'presence', room: 'lobby' }, 'not_enabled'],
    [{ type: 'presence', room: 'nowhere:a' }, 'unknown_namespace'],
    [{ type: 'send', ...data }, 'bad_request'],
    [{ type: 'send', user: 'a*', ...data }, 'bad_request'],
    [{ type: 'join', room: 'nowhere:a' }, 'unknown_namespace'],
    [{ type: 'publish', room: 'nowhere:a', ...data }, 'unknown_namespace'],
    [{ type: 'call', method: 'a..b', ...data }, 'bad_request'],
    [{ type: 'call', method: 'm', ...data }, 'forbidden'],
  ])('by its handler: %j: %s', async (frame, code) => {
    expect(await prepared(frame).start()).toMatchObject({ ok: false, code })
  })
})

test('no room shares a lane with what is no room', () => {
  expect(() => prepared({ type: 'join', room: '*send' }).start()).not.toThrow()
  expect(prepared({ type: 'join', room: '*send' }).key).toBe('*refused')
  expect(prepared({ type: 'join', room: 'auth' }).key).toBe('auth')
})
