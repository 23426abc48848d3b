import { createSubjects, parseRoom, type Room } from '@sluice/proto'
import type { StoredOutcome, StoredPublish } from '@sluice/service/jetstream/stored-publish'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { fakeDelivery, join, room as topicOf } from '../../../test/harness/fanout-fakes.ts'
import { storedAt } from '../../../test/harness/history-fakes.ts'
import { fakeConnection } from '../../../test/harness/session-fakes.ts'
import { createEchoes } from '../history/echoes.ts'
import type { History } from '../history/history.ts'
import { type Answer, ok } from './answer.ts'
import { createLanes } from './lanes.ts'
import { store } from './store.ts'

const subjects = createSubjects('sluice')
const A = parseRoom('chat:a', 128) as Room

/** A publisher in a room that does not hear itself; messages are stored, and come by, when the test says so. */
function build() {
  const echoes = createEchoes()
  const publisher = fakeConnection({ number: 1, user: 'ann' })
  const { deliver, heard } = fakeDelivery({ answerPublisher: echoes.answer })
  const topic = topicOf('a')
  join(topic, publisher)
  const published: StoredPublish[] = []
  const outcomes: ((outcome: StoredOutcome) => void)[] = []
  const history = {
    echoes,
    epochOf: () => 'e',
    store: (publish: StoredPublish) => {
      published.push(publish)
      return new Promise<StoredOutcome>((resolve) => outcomes.push(resolve))
    },
  } as unknown as History
  const lanes = createLanes<Answer>()
  const told: Answer[] = []
  const ended: [string | null, number | undefined][] = []
  return {
    told,
    ended,
    published,
    lanes,
    heard: () => heard(publisher),
    start: ({ key = undefined as string | undefined, unheard = true } = {}): void =>
      lanes.run(
        'a',
        false,
        () =>
          store(
            {
              connection: publisher,
              target: {
                stream: 'S',
                publishSubject: subjects.publishRoom(A),
                liveSubject: subjects.liveRoom(A),
                settings: { messages: 10, seconds: 60 },
              },
              scope: { kind: 'room', target: A.name, sender: 'ann' },
              key,
              payload: Buffer.from('1'),
              headers: [['Sluice-Exclude-Session', 'gw=2E1']],
              topic,
              unheard,
              span: { traceparent: 'unused', end: (error, offset) => ended.push([error, offset]) },
            },
            history,
          ),
        (answer) => told.push(answer),
      ),
    async outcome(outcome: StoredOutcome, at = 0): Promise<void> {
      outcomes[at]?.(outcome)
      await vi.advanceTimersByTimeAsync(0)
    },
    copy: (offset: number, prev: number, at = 0): void =>
      deliver.toTopic(
        topic,
        storedAt(offset, prev, {
          excludeSession: publisher.session,
          messageId: published[at]?.messageId ?? null,
        }),
      ),
  }
}

const stored = (offset: number, duplicate = false): StoredOutcome => ({ kind: 'stored', offset, duplicate })

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

describe('a message that is kept', () => {
  test('is answered when it is stored', async () => {
    const { start, outcome, told, published } = build()
    start({ unheard: false })
    expect([told, published]).toMatchObject([[], [{ subject: 'sluice.pub.room.chat.a' }]])
    await outcome(stored(7))
    expect(told).toEqual([ok({ offset: 7, epoch: 'e' })])
  })

  test('ends its span when NATS has answered, whoever else its answer waits for', async () => {
    const { start, outcome, told, ended } = build()
    start()
    await outcome(stored(7))
    expect([told, ended]).toEqual([[], [[null, 7]]])
    start()
    await outcome({ kind: 'unknown', reason: 'away' }, 1)
    expect(ended[1]).toEqual(['unavailable', undefined])
  })

  test('has the same id for the same key, and another one each time without', () => {
    const { start, published } = build()
    for (const key of ['k', 'k', 'l', undefined, undefined]) start({ ...(key === undefined ? {} : { key }) })
    const ids = published.map(({ messageId }) => messageId)
    expect(ids[0]).toBe(ids[1])
    expect(new Set(ids).size).toBe(4)
  })

  test.each<[StoredOutcome, object]>([
    [stored(7, true), { ok: true, fields: { offset: 7, epoch: 'e', duplicate: true } }],
    [{ kind: 'denied' }, { ok: false, code: 'forbidden' }],
    [{ kind: 'too-large' }, { ok: false, code: 'too_large' }],
    [
      { kind: 'unknown', reason: 'away' },
      { ok: false, code: 'unavailable', retryAfterMs: 2000 },
    ],
  ])('%j is answered %j, also to who does not hear it', async (outcome, answer) => {
    for (const unheard of [true, false]) {
      const built = build()
      built.start({ unheard })
      await built.outcome(outcome)
      expect(built.told).toMatchObject([answer])
    }
  })
})

describe('a message that its publisher does not hear', () => {
  test.each(['before', 'after'])(
    'is answered in its place when its copy comes %s its acknowledgement',
    async (when) => {
      const { start, outcome, copy, told, heard } = build()
      start()
      if (when === 'after') await outcome(stored(7))
      expect(told).toEqual([])
      copy(7, 3)
      expect([told, heard()]).toEqual([[ok({ offset: 7, prev: 3, epoch: 'e' })], []])
      await outcome(stored(7))
      await vi.advanceTimersByTimeAsync(5000)
      expect(told).toHaveLength(1)
    },
  )

  test('is told its place apart where its answer must wait for another one of its lane', async () => {
    const { start, outcome, copy, told, heard, lanes } = build()
    let finish: (answer: Answer) => void = () => undefined
    lanes.run(
      'a',
      false,
      () => new Promise<Answer>((resolve) => (finish = resolve)),
      (answer) => told.push(answer),
    )
    start()
    copy(7, 3)
    expect([told, heard()]).toEqual([[], [{ type: 'message', room: 'a', offset: 7, prev: 3, withheld: true }]])
    finish(ok())
    await outcome(stored(7))
    expect(told).toEqual([ok(), ok({ offset: 7, prev: 3, epoch: 'e' })])
  })

  test('is answered without its place where that does not come, and told it apart later', async () => {
    const { start, outcome, copy, told, heard } = build()
    start()
    await outcome(stored(7))
    await vi.advanceTimersByTimeAsync(1999)
    expect(told).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(told).toEqual([ok({ offset: 7, epoch: 'e' })])
    copy(7, 3)
    expect(heard()).toEqual([{ type: 'message', room: 'a', offset: 7, prev: 3, withheld: true }])
  })

  test('twice at a time with one key is one place: the second is a duplicate', async () => {
    const { start, outcome, copy, told } = build()
    start({ key: 'k' })
    start({ key: 'k' })
    await outcome(stored(7, true), 1)
    copy(7, 3)
    expect(told).toEqual([ok({ offset: 7, prev: 3, epoch: 'e' }), ok({ offset: 7, epoch: 'e', duplicate: true })])
  })
})
