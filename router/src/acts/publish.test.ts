import { type ApiRequestOf, createSubjects, decodeApiRequest, namespacesSchema } from '@sluice/proto'
import type { StoredOutcome, StoredPublish } from '@sluice/service/jetstream/stored-publish'
import { describe, expect, test } from 'vitest'
import { type PublishOptions, publish } from './publish.ts'

const ID = 'request-1'
const HISTORY = { messages: 10, seconds: 60 }

interface Published {
  readonly subject: string
  readonly payload: string
  readonly headers: Readonly<Record<string, string>>
}

function build({
  holds = true,
  confirms = true,
  outcome = { kind: 'stored', offset: 7, duplicate: false } as StoredOutcome,
  /** The headers of what is stored at the offset. */
  stored = '',
} = {}) {
  const live: Published[] = []
  const kept: StoredPublish[] = []
  const told = (
    subject: string,
    payload: Uint8Array,
    headers: Iterable<readonly [string, string]> = [],
  ): Published => ({
    subject,
    payload: Buffer.from(payload).toString(),
    headers: Object.fromEntries(headers),
  })
  const options = {
    nats: {
      connected: true,
      publish: (...args: Parameters<typeof told>) => live.push(told(...args)) > 0,
      confirm: async () => confirms,
      takeDenial: () => false,
      request: async (subject: string) => ({
        json: () =>
          subject.includes('MSG.GET')
            ? { message: { hdrs: Buffer.from(`NATS/1.0\r\n${stored}\r\n\r\n`).toString('base64') } }
            : { created: '2026', ts: '2026-01-01T00:00:00Z', state: { first_seq: 1, last_seq: 7 } },
      }),
    } as unknown as PublishOptions['nats'],
    subjects: createSubjects('sluice'),
    known: { holds: () => holds, gateways: () => [] },
    settings: () => ({
      nats: { prefix: 'sluice' },
      namespaces: namespacesSchema.parse({ default: {}, chat: { history: HISTORY } }),
      inbox: { history: HISTORY },
      limits: { payloadBytesMax: 100 },
    }),
    store: async (message: StoredPublish) => {
      kept.push(message)
      return outcome
    },
  }
  async function ask(request: object) {
    const raw = Buffer.from(JSON.stringify(request))
    const parsed = decodeApiRequest('publish', raw)
    if (!parsed.ok) throw new Error(parsed.message)
    return publish(parsed.request as ApiRequestOf<'publish'>, raw, ID, options)
  }
  return { live, kept, ask }
}

describe('a live message', () => {
  test('carries the id of its request, by which gateways know it again', async () => {
    const { live, ask } = build()
    const exclude = { session: 'gw.1', user: 'a.b' }
    expect(await ask({ room: 'a', data: { x: 1 }, event: 'e', key: 'k', exclude, receipt: false })).toEqual({
      body: {},
    })
    expect(live).toEqual([
      {
        subject: 'sluice.room.default.a',
        payload: '{"x":1}',
        headers: {
          'Sluice-Request': ID,
          'Sluice-Event': 'e',
          'Sluice-Key': 'k',
          'Sluice-Exclude-Session': 'gw=2E1',
          'Sluice-Exclude-User': 'a=2Eb',
        },
      },
    ])
  })

  test('that NATS has not confirmed is unavailable', async () => {
    expect(await build({ confirms: false }).ask({ room: 'a', data: 1 })).toMatchObject({ code: 'unavailable' })
  })

  test('is the business of the owners of its shard alone', async () => {
    const { live, ask } = build({ holds: false })
    expect(await ask({ room: 'a', data: 1 })).toBeNull()
    expect(live).toEqual([])
  })
})

describe('a stored message', () => {
  const duplicate: StoredOutcome = { kind: 'stored', offset: 7, duplicate: true }
  const offset = { offset: 7, epoch: expect.any(String) }

  test('without a key is the duplicate of nobody else: the other owner was first', async () => {
    expect(await build({ outcome: duplicate }).ask({ room: 'chat:a', data: 1 })).toEqual({ body: offset })
  })

  test('with a key that the other owner has stored for the same request is none', async () => {
    const ours = build({ outcome: duplicate, stored: `Sluice-Request: ${ID}` })
    expect(await ours.ask({ room: 'chat:a', data: 1, key: 'k' })).toEqual({ body: offset })
  })

  test('with a key of an earlier request is told to be one', async () => {
    const other = build({ outcome: duplicate, stored: `Sluice-Request: ${ID}2` })
    expect(await other.ask({ room: 'chat:a', data: 1, key: 'k' })).toEqual({ body: { ...offset, duplicate: true } })
  })

  test('has an id for each room and user, whatever the key or the request', async () => {
    const { kept, ask } = build()
    for (const key of ['k', undefined]) {
      await ask({ rooms: ['chat:a', 'chat:b'], data: 1, key })
      await ask({ users: ['chat:a'], data: 1, key })
    }
    expect(new Set(kept.map(({ messageId }) => messageId)).size).toBe(6)
    expect(kept[0]?.subject).toBe('sluice.pub.room.chat.a')
  })

  test.each([
    [{ kind: 'denied' }, 'forbidden'],
    [{ kind: 'too-large' }, 'too_large'],
    [{ kind: 'unknown', reason: '' }, 'unavailable'],
  ] as const)('that is %j is refused with %s', async (outcome, code) => {
    expect(await build({ outcome }).ask({ user: 'ann', data: 1 })).toMatchObject({ code })
  })
})

describe('a list', () => {
  test('is counted, what has failed too', async () => {
    const { ask } = build({ outcome: { kind: 'unknown', reason: '' } })
    expect(await ask({ rooms: ['a', 'b', 'default:a', 'chat:c'], data: 1 })).toEqual({
      body: { published: 2, failed: 1 },
    })
    expect(await ask({ users: ['ann'], data: 1 })).toMatchObject({ code: 'unavailable' })
  })

  test('with a room of an unknown namespace is refused whole', async () => {
    const { live, ask } = build()
    expect(await ask({ rooms: ['a', 'none:b'], data: 1 })).toMatchObject({ code: 'unknown_namespace' })
    expect(live).toEqual([])
  })
})
