import { createHistoryStores, createSubjects, parseRoom, type Room } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { makeHistory } from '../../../test/harness/history-stream.ts'
import { openLink } from '../../../test/harness/links.ts'
import { startNats } from '../../../test/harness/nats.ts'
import type { RequestOptions } from '../nats/link.ts'
import { createStoredPublish, type StoredPublish } from './stored-publish.ts'

type Answer = object | Error

const PUBLISH: StoredPublish = {
  subject: 'sluice.pub.room.chat.a',
  payload: Buffer.from('1'),
  headers: [['Sluice-From', 'ann']],
  messageId: 'id-1',
}

/** A link whose answers are the test's, one after the other; the last one is repeated. */
function build(...answers: Answer[]) {
  const state = { connected: true, denied: false, now: 0, retries: 0, asked: [] as RequestOptions[] }
  const publish = createStoredPublish({
    link: {
      get connected() {
        return state.connected
      },
      takeDenial: () => state.denied,
      async request(_, __, options) {
        state.asked.push(options)
        state.now += 2000
        const answer = answers[Math.min(state.asked.length, answers.length) - 1]
        if (answer instanceof Error) throw answer
        return { json: () => answer } as never
      },
    },
    nowMs: () => state.now,
    onRetry: () => state.retries++,
  })
  return { state, publish: () => publish(PUBLISH) }
}

const failed = (err_code: number, description: string) => ({ error: { code: 503, err_code, description } })

describe('a publish into a history', () => {
  test('carries its id, and tells where it was stored', async () => {
    const { state, publish } = build({ stream: 'S', seq: 7 })
    expect(await publish()).toEqual({ kind: 'stored', offset: 7, duplicate: false })
    expect([...(state.asked[0]?.headers ?? [])]).toEqual([
      ['Sluice-From', 'ann'],
      ['Nats-Msg-Id', 'id-1'],
    ])
  })

  test('says that it was stored before', async () => {
    const { publish } = build({ stream: 'S', seq: 7, duplicate: true })
    expect(await publish()).toEqual({ kind: 'stored', offset: 7, duplicate: true })
  })

  test.each<[string, Answer]>([
    ['a timeout', new Error('timeout')],
    ['no responders', new Error('no responders: sluice.pub.room.chat.a')],
    ['a stream that cannot just now', failed(10_158, 'stream is offline')],
    ['an answer that is none', {}],
  ])('is sent again after %s under the same id, of which its own duplicate is none', async (_, answer) => {
    const { state, publish } = build(answer, { stream: 'S', seq: 7, duplicate: true })
    expect(await publish()).toEqual({ kind: 'stored', offset: 7, duplicate: false })
    expect(state.asked.map(({ headers }) => [...(headers ?? [])].at(-1))).toEqual([
      ['Nats-Msg-Id', 'id-1'],
      ['Nats-Msg-Id', 'id-1'],
    ])
    expect(state.retries).toBe(1)
  })

  test('fails at once where NATS is away, and nothing was sent', async () => {
    const { state, publish } = build({ stream: 'S', seq: 7 })
    state.connected = false
    expect(await publish()).toMatchObject({ kind: 'unknown' })
    expect(state.asked).toEqual([])
  })

  test('gives up in time far below the window of ids, and says why', async () => {
    const { state, publish } = build(new Error('timeout'))
    expect(await publish()).toEqual({ kind: 'unknown', reason: 'timeout' })
    expect(state.asked).toHaveLength(5)
  }, 10_000)

  test('that NATS denies, or that is too large for the stream, is not sent again', async () => {
    const denied = build(new Error('timeout'))
    denied.state.denied = true
    expect(await denied.publish()).toEqual({ kind: 'denied' })
    const large = build(failed(10_054, 'message size exceeds maximum allowed'))
    expect(await large.publish()).toEqual({ kind: 'too-large' })
    expect([denied.state.asked.length, large.state.asked.length]).toEqual([1, 1])
  })
})

describe('a real stream', () => {
  const subjects = createSubjects('sluice')
  const room = parseRoom('chat:a', 128) as Room

  test('stores a message once, however often it comes under one id, and each under another', async () => {
    await using nats = await startNats()
    await using link = await openLink(nats.url)
    const client = await nats.connect()
    await makeHistory(client, createHistoryStores('sluice').room('chat'))
    const publish = createStoredPublish({ link, nowMs: () => performance.now(), onRetry: () => undefined })
    const of = (messageId: string): StoredPublish => ({ ...PUBLISH, subject: subjects.publishRoom(room), messageId })
    expect(await publish(of('a'))).toEqual({ kind: 'stored', offset: 1, duplicate: false })
    expect(await publish(of('a'))).toEqual({ kind: 'stored', offset: 1, duplicate: true })
    expect(await publish(of('b'))).toEqual({ kind: 'stored', offset: 2, duplicate: false })
  })

  test('that is made a little late stores what was published before', async () => {
    await using nats = await startNats()
    await using link = await openLink(nats.url)
    const client = await nats.connect()
    let retries = 0
    let made: Promise<void> | null = null
    const publish = createStoredPublish({
      link,
      nowMs: () => performance.now(),
      onRetry: () => {
        retries++
        made ??= makeHistory(client, createHistoryStores('sluice').room('chat'))
      },
    })
    expect(await publish({ ...PUBLISH, subject: subjects.publishRoom(room) })).toMatchObject({
      kind: 'stored',
      offset: 1,
    })
    expect(retries).toBeGreaterThanOrEqual(1)
    await made
  })

  test('that takes no message of this size says so', async () => {
    await using nats = await startNats()
    await using link = await openLink(nats.url)
    const client = await nats.connect()
    const store = createHistoryStores('sluice').room('chat')
    await client.request(
      `$JS.API.STREAM.CREATE.${store.stream}`,
      JSON.stringify({ name: store.stream, subjects: [store.source], max_msg_size: 10, storage: 'memory' }),
    )
    const publish = createStoredPublish({ link, nowMs: () => performance.now(), onRetry: () => undefined })
    const payload = Buffer.alloc(100, '1')
    expect(await publish({ ...PUBLISH, subject: subjects.publishRoom(room), payload })).toEqual({ kind: 'too-large' })
  })
})
