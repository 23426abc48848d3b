// History as requests use it: joining where a room stands or from where a client stood, storing, and paging. Puts the parts of this
// folder together; logs.ts is the other half, which no request drives.
import type { Position } from '@sluice/proto'
import { HistoryUnavailable } from '@sluice/service/jetstream/history-unavailable'
import type { StoredOutcome, StoredPublish } from '@sluice/service/jetstream/stored-publish'
import type { HistoryReads, Place } from '../backplane/history-reads.ts'
import type { StoredInbound } from '../backplane/inbound.ts'
import type { Deliver } from '../fanout/deliver.ts'
import type { Member, Topic } from '../fanout/topic.ts'
import type { Topics } from '../fanout/topics.ts'
import type { Deflater } from '../outbound/deflater.ts'
import type { Outbox } from '../outbound/outbox.ts'
import { type CatchUpWish, type CaughtUp, catchUp, HistoryLate } from './catch-up.ts'
import { createEchoes, type Echoes } from './echoes.ts'
import { createFills } from './fills.ts'
import { createJoiners } from './joiners.ts'
import type { Log } from './log.ts'
import type { HistoryTarget, Logs } from './logs.ts'
import type { Targets } from './targets.ts'

/** See {@link createHistory}. */
export interface HistoryOptions {
  readonly targets: Targets
  readonly logs: Logs
  readonly topics: Pick<Topics, 'find'>
  readonly reads: HistoryReads
  /** The last message of a subject, at least as new as the fence. */
  readonly last: (at: Place, fence: number) => Promise<Position | null>
  readonly store: (publish: StoredPublish) => Promise<StoredOutcome>
  readonly outbox: Pick<Outbox, 'push' | 'paced'>
  readonly deflater: Deflater
  readonly deliver: Pick<Deliver, 'caughtUp' | 'settle'>
  /** What may wait for one connection. */
  readonly queueBytesMax: number
  /** Whether the connection still takes part. */
  readonly isLive: (member: Member) => boolean
  readonly counters: { deliveries: number; readonly historyRecoveries: { add(label: string): void } }
}

/** A page of a history. */
export interface HistoryPage {
  readonly messages: readonly StoredInbound[]
  readonly epoch: string
  readonly more: boolean
}

/** Which page. */
export interface PageWish {
  readonly limit: number
  readonly before: number | undefined
  readonly after: number | undefined
}

/** What requests do with history. */
export interface History {
  readonly targets: Targets
  readonly echoes: Echoes
  readonly store: (publish: StoredPublish) => Promise<StoredOutcome>
  /** The epoch of a topic's history; undefined where it is not known here. */
  epochOf(topic: Topic | undefined): string | undefined
  /**
   * Brings a connection that holds a topic to where it stands, and makes it a member.
   *
   * @returns null if the connection is gone, or the history cannot be read just now
   */
  join(member: Member, topic: Topic, wish: CatchUpWish): Promise<CaughtUp | null>
  /**
   * Called before a member leaves a room: what the room's log has not brought yet, and the wildcard that it is in has passed over for its
   * sake, comes now.
   */
  leaving(member: Member, topic: Topic): void
  /** Whether the topic has a history here. */
  has(topic: Topic): boolean
  /**
   * @returns null where the history cannot be read just now
   */
  page(member: Member, target: HistoryTarget, topic: Topic | undefined, wish: PageWish): Promise<HistoryPage | null>
}

/** Makes it. */
export function createHistory(options: HistoryOptions): History {
  const { targets, logs, reads, outbox, counters } = options
  const fills = createFills(reads)
  /** A catch-up fills this much of a queue, so that live messages of other rooms find theirs. */
  const pacedBytes = options.queueBytesMax / 4
  const paced = (member: Member): Promise<void> => outbox.paced(member, pacedBytes)
  const joiners = createJoiners({ ...options, pacedBytes })

  async function caughtUp(member: Member, topic: Topic, log: Log, wish: CatchUpWish): Promise<CaughtUp | null> {
    if (!(await logs.ready(log, wish.since?.offset ?? 0))) return null
    return catchUp(joiners.of(member, topic), log, wish, { fills, stream: reads.stream })
  }

  return {
    targets,
    echoes: createEchoes(),
    store: options.store,
    leaving: joiners.leaving,
    has: (topic) => logs.of(topic) !== null,
    epochOf: (topic) => (topic === undefined ? undefined : (logs.of(topic)?.epoch ?? undefined)),
    async join(member, topic, wish) {
      const log = logs.of(topic)
      if (log === null) return null
      try {
        const result = await caughtUp(member, topic, log, wish)
        if (result?.recovered !== null && result !== null) {
          counters.historyRecoveries.add(result.recovered ? 'recovered' : 'not_recovered')
        }
        return result
      } catch (error) {
        if (!isAway(error)) throw error
        if (wish.since !== null) counters.historyRecoveries.add('failed')
        return null
      }
    },
    async page(member, target, topic, wish) {
      const at = { stream: target.stream, subject: target.publishSubject }
      try {
        const page = await readPage(at, topic === undefined ? null : logs.of(topic), wish)
        await paced(member)
        return page === null ? null : withinBytes(page, wish, pacedBytes)
      } catch (error) {
        if (!isAway(error)) throw error
        return null
      }
    },
  }

  async function readPage(at: Place, log: Log | null, { limit, before, after }: PageWish): Promise<HistoryPage | null> {
    if (log?.epoch && (await logs.ready(log, 0)) && before === undefined && after === undefined) {
      const { epoch } = log
      const { era, entries } = await fills.last(log, limit)
      if (log.era !== era) return null
      const first = entries[0]?.frames.message.place
      return { epoch, messages: entries.map(({ frames }) => frames.message), more: (first?.prev ?? 0) > 0 }
    }
    const stream = await reads.stream(at)
    if (stream === null) return null
    const { epoch } = stream
    const last = await options.last(at, stream.lastSequence)
    if (last === null) return { epoch, messages: [], more: false }
    if (after !== undefined) {
      if (after >= last.offset) return { epoch, messages: [], more: false }
      return { epoch, ...(await reads.after(at, after, last.offset, limit)) }
    }
    const end = Math.min(before ?? Number.POSITIVE_INFINITY, last.offset + 1)
    return { epoch, ...(await reads.backward(at, end, limit, end > last.offset ? last.offset : 0)) }
  }
}

/** What passes, and is counted and logged where it happens: the client is told to try again. Anything else is a fault of ours. */
function isAway(error: unknown): boolean {
  return error instanceof HistoryUnavailable || error instanceof HistoryLate
}

/** What a message takes in a frame beside its payload, which base64 makes longer by a third. */
const MESSAGE_BYTES = 512

/** Shortens a page to what its reader's queue has room for, at the end from which it goes on. One message always fits. */
function withinBytes(page: HistoryPage, { after }: PageWish, bytesMax: number): HistoryPage {
  const messages = after === undefined ? page.messages.toReversed() : page.messages
  let bytes = 0
  let count = 0
  for (const { payload } of messages) {
    bytes += MESSAGE_BYTES + (payload.length * 4) / 3
    if (bytes > bytesMax && count > 0) break
    count++
  }
  if (count === messages.length) return page
  const kept = messages.slice(0, count)
  return { ...page, messages: after === undefined ? kept.toReversed() : kept, more: true }
}
