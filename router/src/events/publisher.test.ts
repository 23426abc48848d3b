import { createSubjects } from '@sluice/proto'
import type { NatsPort } from '@sluice/service/jetstream/port'
import { Tally } from '@sluice/service/metrics/tally'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type CausedEvent, resyncEvent } from './event-of.ts'
import { createEventPublisher, type EventPublisher } from './publisher.ts'

type Request = NatsPort['request']

const subjects = createSubjects('sluice')
const events = new Tally()
let sent: string[]
let answers: (() => object)[]
let publisher: EventPublisher

function event(revision: number): CausedEvent {
  return {
    event: { kind: 'joined', user: 'ann', room: 'lobby', gateway: 'gw', at: 1, revision } as never,
    cause: { kind: 'entry', revision },
  }
}

function create(waitingMax?: number): EventPublisher {
  return createEventPublisher({
    nats: {
      request: (async (_subject, _payload, { headers }) => {
        sent.push([...(headers ?? [])].map(([, value]) => value).join())
        const answer = answers.shift()?.() ?? { seq: 1 }
        return { json: () => answer }
      }) as Request,
    },
    subjects,
    counters: { events },
    onRetry: () => undefined,
    resyncOf: (scope, shard) => resyncEvent(scope, shard, 99, 1),
    ...(waitingMax === undefined ? {} : { waitingMax }),
  })
}

beforeEach(() => {
  vi.useFakeTimers()
  sent = []
  answers = []
  publisher = create()
})

afterEach(() => {
  publisher.stop()
  vi.useRealTimers()
})

describe('events', () => {
  test('go out with ids by which a second copy is recognised', async () => {
    publisher.publish('room', 1, [event(1), event(2)])
    await vi.waitFor(() => expect(publisher.unacknowledged).toBe(0))
    expect(sent).toEqual(['sluice.event.joined.default.lobby.ann.1', 'sluice.event.joined.default.lobby.ann.2'])
  })

  test('are sent again until the stream has acknowledged them', async () => {
    answers = [
      () => {
        throw new Error('no responders')
      },
      () => ({ error: { description: 'no leader' } }),
      () => ({ seq: 1, duplicate: true }),
    ]
    publisher.publish('room', 1, [event(1)])
    await vi.advanceTimersByTimeAsync(600)
    expect(publisher.unacknowledged).toBe(1)
    await vi.advanceTimersByTimeAsync(600)
    expect(publisher.unacknowledged).toBe(0)
    expect(new Set(sent).size).toBe(1)
    expect([events.get('retried'), events.get('duplicate')]).toEqual([2, 1])
  })

  test('that do not fit are made up for by a resync of their shard, once', async () => {
    publisher.stop()
    publisher = create(4)
    // More than may be under way at once, and these never end.
    answers = Array.from({ length: 128 }, () => () => ({ error: {} }))
    for (let at = 0; at < 128; at++) publisher.publish('room', 1, [event(at)])
    for (let at = 0; at < 10; at++) publisher.publish('room', 7, [event(1000 + at)])
    expect(events.get('dropped')).toBe(6)
    await vi.advanceTimersByTimeAsync(1000)
    expect(publisher.unacknowledged).toBe(0)
    expect(sent.filter((id) => id.startsWith('sluice.event.resync.room.7'))).toHaveLength(1)
  })

  test('are no longer taken after the end', async () => {
    publisher.stop()
    publisher.publish('room', 1, [event(1)])
    expect(publisher.unacknowledged).toBe(0)
    expect(sent).toEqual([])
  })
})
