// What the log says of the streams of history: each condition once for a transition, what deletes or was lost as a warning. Counts
// beside it what metrics tell.
import type { Logger } from '@sluice/service/log'
import type { Tally } from '@sluice/service/metrics/tally'
import type { Throttle } from '@sluice/service/throttle'
import type { EndKeeperOptions } from './keep-end.ts'
import type { StreamEvents, StreamLook } from './keep-stream.ts'

/** See {@link createStreamLog}. */
export interface StreamLogOptions {
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly throttle: Throttle
  readonly counters: { readonly stores: Tally; historyRollbacks: number }
}

/** Where it is told. */
export interface StreamLog extends StreamEvents, Pick<EndKeeperOptions, 'onRollback'> {
  onLook(stream: string, look: StreamLook): void
  /** Nobody has answered: an election, or NATS is away. */
  onUnanswered(stream: string, error: unknown): void
  /** These are there, and configured no more. */
  onLeft(streams: readonly string[]): void
}

/** Makes it. Remembers as much as there are streams. */
export function createStreamLog({ log, throttle, counters }: StreamLogOptions): StreamLog {
  const told = new Map<string, string>()
  const toldLeft = new Set<string>()
  return {
    onMade({ name, max_msgs_per_subject: messages, max_age: age }, outcome) {
      counters.stores.add(outcome)
      log.info({ stream: name, outcome, messages, age }, 'a stream of history was made or changed')
    },
    onLowered({ name }, lowered) {
      log.warn({ stream: name, lowered }, 'a history keeps less from now on: what was beyond its limits is deleted')
    },
    onRollback({ name }, before, now) {
      counters.historyRollbacks++
      log.warn({ stream: name, before, now }, 'a history has lost its end and goes on under a new generation')
    },
    onLook(stream, { condition, reason }) {
      const before = told.get(stream)
      if (reason === null) {
        told.delete(stream)
        if (before !== undefined) log.info({ stream }, 'a stream of history is as configured again')
        return
      }
      told.set(stream, reason)
      if (before !== reason) log.warn({ stream, condition, reason }, 'a stream of history is not as configured')
    },
    onUnanswered(stream, error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (throttle('history') !== null)
        log.warn({ stream, reason }, 'a stream of history could not be looked at; it is repeated')
    },
    onLeft(streams) {
      for (const stream of toldLeft) if (!streams.includes(stream)) toldLeft.delete(stream)
      for (const stream of streams) {
        if (toldLeft.has(stream)) continue
        toldLeft.add(stream)
        const removal = `nats stream rm ${stream}`
        log.warn({ stream, removal }, 'a history is configured no more; its stream stays until an operator removes it')
      }
    },
  }
}
