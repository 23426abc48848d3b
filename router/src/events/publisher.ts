// Publishes events, at least once while this router lives: each is sent until the stream has acknowledged it. Bounded; for what does
// not fit any more, consumers get a `resync` of its shard once there is room.
import { encodeEvent, eventId, eventSubject, type ShardScope, type Subjects } from '@sluice/proto'
import type { NatsPort } from '@sluice/service/jetstream/port'
import type { Tally } from '@sluice/service/metrics/tally'
import { type ShardName, shardName } from '../shards/shard.ts'
import type { CausedEvent } from './event-of.ts'

/** See {@link createEventPublisher}. */
export interface EventPublisherOptions {
  readonly nats: Pick<NatsPort, 'request'>
  readonly subjects: Subjects
  readonly counters: { readonly events: Tally }
  /** Told of each attempt that failed and is repeated. */
  readonly onRetry: (reason: string) => void
  /** The event that takes the place of those of a shard that did not fit. */
  readonly resyncOf: (scope: ShardScope, shard: number) => CausedEvent
  /** Events that may wait. */
  readonly waitingMax?: number
}

/** Publishes events. */
export interface EventPublisher {
  /** Of one shard, in the order in which they happened. */
  publish(scope: ShardScope, shard: number, events: readonly CausedEvent[]): void
  /** Events that the stream has not acknowledged yet. */
  readonly unacknowledged: number
  /** Sends no more; what is under way may still arrive. */
  stop(): void
}

/** A gateway with 18 000 users in some rooms each ends in as many events. */
const WAITING_MAX = 200_000
const IN_FLIGHT_MAX = 128
const ACK_WAIT_MS = 5000
const RETRY_MS = 500

/** Makes the publisher of a router. */
export function createEventPublisher(options: EventPublisherOptions): EventPublisher {
  return new Publisher(options)
}

class Publisher implements EventPublisher {
  readonly #options: EventPublisherOptions
  #waiting: CausedEvent[] = []
  /** Of the waiting ones, how many were sent. */
  #sent = 0
  #inFlight = 0
  readonly #owed = new Map<ShardName, CausedEvent>()
  #stopped = false

  constructor(options: EventPublisherOptions) {
    this.#options = options
  }

  publish(scope: ShardScope, shard: number, events: readonly CausedEvent[]): void {
    const { counters, resyncOf, waitingMax = WAITING_MAX } = this.#options
    if (this.#stopped) return
    for (const event of events) {
      if (this.#waiting.length - this.#sent >= waitingMax) {
        counters.events.add('dropped')
        this.#owed.set(shardName(scope, shard), resyncOf(scope, shard))
      } else this.#waiting.push(event)
    }
    this.#pump()
  }

  get unacknowledged(): number {
    return this.#waiting.length - this.#sent + this.#inFlight + this.#owed.size
  }

  stop(): void {
    this.#stopped = true
    this.#waiting = []
    this.#sent = 0
    this.#owed.clear()
  }

  #pump(): void {
    while (this.#inFlight < IN_FLIGHT_MAX) {
      const next = this.#next()
      if (next === undefined) return
      this.#inFlight++
      void this.#send(next).finally(() => {
        this.#inFlight--
        this.#pump()
      })
    }
  }

  #next(): CausedEvent | undefined {
    const next = this.#waiting[this.#sent]
    if (next !== undefined) {
      this.#sent++
      return next
    }
    this.#waiting = []
    this.#sent = 0
    for (const [name, event] of this.#owed) {
      this.#owed.delete(name)
      return event
    }
    return undefined
  }

  async #send({ event, cause }: CausedEvent): Promise<void> {
    const { nats, subjects, counters, onRetry } = this.#options
    const subject = eventSubject(subjects, event)
    const headers: [string, string][] = [['Nats-Msg-Id', eventId(subjects, event, cause)]]
    const payload = encoder.encode(encodeEvent(event))
    while (!this.#stopped) {
      try {
        const answer = (await nats.request(subject, payload, { timeoutMs: ACK_WAIT_MS, headers })).json<Answer>()
        if (answer.error === undefined) {
          counters.events.add(answer.duplicate === true ? 'duplicate' : 'published')
          return
        }
        onRetry(answer.error.description ?? 'an error without a description')
      } catch (error) {
        // Nobody answered: the stream has no leader, or NATS is away. The id makes a second copy recognisable.
        onRetry(error instanceof Error ? error.message : String(error))
      }
      counters.events.add('retried')
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }
}

interface Answer {
  readonly error?: { readonly description?: string }
  readonly duplicate?: boolean
}

const encoder = new TextEncoder()
