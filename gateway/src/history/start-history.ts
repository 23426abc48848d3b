// Builds history on the connections to NATS: live copies, checks and publishes on that of rooms, reads on one of their own. Waits for
// the streams, which routers make.
import {
  createSubjects,
  encodeRollbackClaim,
  type InboxSettings,
  type Namespaces,
  type RollbackClaim,
} from '@sluice/proto'
import { createHistoryReader } from '@sluice/service/jetstream/history-reader'
import { historyState } from '@sluice/service/jetstream/history-state'
import { createStoredPublish } from '@sluice/service/jetstream/stored-publish'
import type { Logger } from '@sluice/service/log'
import type { Link } from '@sluice/service/nats/link'
import type { Throttle } from '@sluice/service/throttle'
import type { Backplane } from '../backplane/backplane.ts'
import { createHistoryReads } from '../backplane/history-reads.ts'
import type { Deliver } from '../fanout/deliver.ts'
import type { Member, Topic } from '../fanout/topic.ts'
import type { Topics } from '../fanout/topics.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Deflater } from '../outbound/deflater.ts'
import type { Outbox } from '../outbound/outbox.ts'
import { createHistory, type History } from './history.ts'
import { createLogs } from './logs.ts'
import { createStreamWait } from './stream-wait.ts'
import { createTargets } from './targets.ts'

/** See {@link startHistory}. */
export interface StartHistoryOptions {
  /** The connection of rooms. */
  readonly data: Backplane
  /** The connection of direct gets. */
  readonly reads: Link
  readonly prefix: string
  readonly namespaces: () => Namespaces
  readonly inbox: () => InboxSettings
  readonly payloadBytesMax: number
  readonly queueBytesMax: number
  readonly topics: Pick<Topics, 'all' | 'find'>
  readonly deliver: Deliver
  readonly outbox: Pick<Outbox, 'push' | 'paced'>
  readonly deflater: Deflater
  readonly isLive: (member: Member) => boolean
  readonly nowMs: () => number
  readonly log: Logger
  readonly throttle: Throttle
  readonly counters: Counters
}

/** Running history. */
export interface RunningHistory {
  readonly session: History
  /** Whether all streams were there; it stays so once they were. */
  readonly streamsSeen: boolean
  opened(topic: Topic): void
  closed(topic: Topic): void
  /** The connection of rooms is back. */
  reconnected(): void
  /** The configuration has changed. */
  apply(): void
  /** Called at a steady pace, some times a second. */
  tick(): void
}

const encoder = new TextEncoder()

/** Begins to follow. */
export function startHistory(options: StartHistoryOptions): RunningHistory {
  const { data, counters, nowMs, log, throttle, payloadBytesMax } = options
  const targets = createTargets(options)
  const reader = createHistoryReader({
    nats: options.reads,
    leader: data,
    counters: { reads: (kind) => counters.historyReads.add(kind) },
  })
  const state = (stream: string) => {
    counters.historyReads.add('state')
    return historyState(data, stream)
  }
  const reads = createHistoryReads({ reader, state, payloadBytesMax })
  const streams = createStreamWait({ ...options, state, nowMs })
  function warn(stream: string, reason: unknown): void {
    if (throttle(`history ${stream}`) === null) return
    const why = reason instanceof Error ? reason.message : 'no such stream'
    log.warn({ stream, reason: why }, 'a history cannot be checked or read; it is repeated')
  }

  const routers = createSubjects(options.prefix).gather()
  function claim(claimed: RollbackClaim): void {
    if (throttle(`rollback ${claimed.stream}`) !== null)
      log.warn(
        { stream: claimed.stream, offset: claimed.offset },
        'a history seems to have lost its end; routers are told',
      )
    // Lost where NATS is away: it is told again.
    data.publish(routers, encoder.encode(encodeRollbackClaim(claimed)))
  }

  const logs = createLogs({
    backplane: data,
    deliver: options.deliver,
    topics: options.topics,
    targetOf: targets.of,
    reads,
    checks: { state, lasts: reader.lasts, nowMs, claim },
    counters,
    onFailure: (stream, reason) => {
      counters.historyCheckFailures++
      warn(stream, reason)
    },
    onRepairFailure: warn,
  })
  const session = createHistory({
    ...options,
    targets,
    logs,
    reads,
    last: async ({ stream, subject }, fence) => (await reader.lasts(stream, [subject], fence)).get(subject) ?? null,
    store: createStoredPublish({ link: data, nowMs, onRetry: () => counters.historyRetries++ }),
  })
  logs.reopen(options.topics.all)
  return {
    session,
    get streamsSeen() {
      return streams.seen
    },
    opened: logs.opened,
    closed: logs.closed,
    reconnected: logs.reconnected,
    apply: () => logs.reopen(options.topics.all),
    tick() {
      logs.tick()
      streams.tick()
    },
  }
}
