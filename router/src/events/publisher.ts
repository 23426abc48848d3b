// Publishes events, at least once while this router lives: each is sent until the stream has acknowledged it. Bounded; what does
// not fit any more is counted, and consumers are told by a `resync`.
import { encodeEvent, eventId, eventSubject, type Subjects } from '@sluice/proto'
import type { NatsPort } from '@sluice/service/jetstream/port'
import type { CausedEvent } from './event-of.ts'

/** See {@link createEventPublisher}. */
export interface EventPublisherOptions {
  readonly nats: NatsPort
  readonly subjects: Subjects
  readonly counters: { eventsPublished: number; eventsRetried: number; eventsLost: number }
}

/** Publishes events. */
export interface EventPublisher {
  publish(events: readonly CausedEvent[]): void
  /** Events that the stream has not acknowledged yet. */
  readonly unacknowledged: number
  /** Sends no more; what is under way may still arrive. */
  stop(): void
}

const QUEUE_MAX = 100_000
const IN_FLIGHT_MAX = 64
const ACK_WAIT_MS = 5000
const RETRY_MS = 500

/** Makes the publisher of a router. */
export function createEventPublisher({ nats, subjects, counters }: EventPublisherOptions): EventPublisher {
  const waiting: CausedEvent[] = []
  let inFlight = 0
  let stopped = false

  async function send(caused: CausedEvent): Promise<void> {
    const subject = eventSubject(subjects, caused.event)
    const headers: [string, string][] = [['Nats-Msg-Id', eventId(subjects, caused.event, caused.cause)]]
    const payload = encoder.encode(encodeEvent(caused.event))
    while (!stopped) {
      try {
        const answer = await nats.request(subject, payload, { timeoutMs: ACK_WAIT_MS, headers })
        if (answer.json<{ error?: unknown }>().error === undefined) {
          counters.eventsPublished++
          return
        }
      } catch {
        // Nobody answered: the stream has no leader, or NATS is away. The id makes a second copy recognisable.
      }
      counters.eventsRetried++
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }

  function pump(): void {
    while (inFlight < IN_FLIGHT_MAX) {
      const next = waiting.shift()
      if (next === undefined) return
      inFlight++
      void send(next).finally(() => {
        inFlight--
        pump()
      })
    }
  }

  return {
    publish(events) {
      const room = QUEUE_MAX - waiting.length
      waiting.push(...events.slice(0, room))
      counters.eventsLost += Math.max(0, events.length - room)
      pump()
    },
    get unacknowledged() {
      return waiting.length + inFlight
    },
    stop() {
      stopped = true
      waiting.length = 0
    },
  }
}

const encoder = new TextEncoder()
