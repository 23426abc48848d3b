// The logs of a gateway: one for each room or inbox with history that has members here. Opens them with their topics, hears what their
// streams republish, and sees that each is checked: at once, after each reconnect, and again and again. Read this first in this
// folder, then log.ts.
import type { HistorySettings } from '@sluice/proto'
import type { Subscribed } from '@sluice/service/nats/link'
import type { Backplane } from '../backplane/backplane.ts'
import type { StoredInbound } from '../backplane/inbound.ts'
import type { Deliver } from '../fanout/deliver.ts'
import { createFeeds } from '../fanout/feeds.ts'
import type { Topic, TopicName } from '../fanout/topic.ts'
import type { Topics } from '../fanout/topics.ts'
import { hearsAll, roomHeard, roomUnder } from '../fanout/wildcards.ts'
import type { Droppable } from '../outbound/droppable.ts'
import { type Checks, type ChecksOptions, createChecks } from './checks.ts'
import { buildGap } from './gap-frame.ts'
import { createLog, type Log } from './log.ts'
import { createRepair, type Reads } from './repair.ts'
import { createRing } from './ring.ts'
import { WILDCARD_RECOVERED_MAX } from './wildcard-recovered.ts'

/** Where the messages of a room or user are stored, and where copies of them come. */
export interface HistoryTarget {
  readonly stream: string
  readonly publishSubject: string
  readonly liveSubject: string
  readonly settings: HistorySettings
}

/** See {@link createLogs}. */
export interface LogsOptions {
  readonly backplane: Pick<Backplane, 'connected' | 'connects' | 'confirm' | 'listenStored'>
  readonly deliver: Pick<Deliver, 'framesToTopic' | 'noticeToTopic'>
  /** Rooms under wildcards are looked up by their subjects. */
  readonly topics: Pick<Topics, 'find'>
  /** Null where no history is kept. */
  readonly targetOf: (about: TopicName) => HistoryTarget | null
  readonly reads: Reads
  readonly checks: Pick<ChecksOptions, 'state' | 'lasts' | 'nowMs' | 'claim'>
  readonly counters: LogsCounters
  readonly onFailure: (stream: string, reason: unknown) => void
  /** What is missing could not be read; it is repeated. */
  readonly onRepairFailure: (stream: string, reason: unknown) => void
}

/** What is counted of logs. */
export interface LogsCounters {
  readonly historyGaps: { add(label: string): void }
  readonly historyRepairs: { add(label: string): void }
  historyRingBytes: number
}

/** All logs. */
export interface Logs {
  of(topic: Topic): Log | null
  /** A topic was opened: its subscription was just sent. */
  opened(topic: Topic): void
  closed(topic: Topic): void
  /** Namespaces may have got a history meanwhile. */
  reopen(topics: Iterable<Topic>): void
  /** Checks a log unless what is known still holds and reaches the offset; whether it does then. */
  ready(log: Log, offset: number): Promise<boolean>
  /** The connection of live copies is back. */
  reconnected(): void
  /** Called at a steady pace, with the pace in milliseconds. */
  tick(): void
}

interface Held {
  readonly log: Log
  readonly subscribed: Subscribed
}

/** Of one room: some seconds of a busy one, and much of a quiet one. */
const RING = { messagesMax: 256, bytesMax: 512 * 1024 }
/** Of all rooms of a namespace: what a join of them recovers at most. */
const WIDE_RING = { messagesMax: WILDCARD_RECOVERED_MAX, bytesMax: 4 * 1024 * 1024 }
/** Of all rooms together; at more the rings of those that were opened first are emptied. */
const RINGS_BYTES_MAX = 96 * 1024 * 1024
/** Live copies of one room that wait for a repair. */
const WAITING_MAX = 1024
/** A lost last copy is found within this time and that below: 25 seconds, and what a check takes. */
const SWEEP_MS = 15_000
/** A log that was checked this short a time ago is left to the next sweep: a storm of joins is not followed by a sweep of the same. */
const CHECKED_LATELY_MS = 10_000
/** A check that could not be made is tried again. */
const RETRY_MS = 1000

/** Makes them. */
export function createLogs(options: LogsOptions): Logs {
  const { backplane, deliver, topics, targetOf, counters } = options
  const held = new Map<Topic, Held>()
  const subscribe = createSubscribe(backplane)
  const { nowMs } = options.checks
  let sweptAt = nowMs()
  let retriedAt = nowMs()

  const checks: Checks = createChecks({
    ...options.checks,
    connects: () => backplane.connects,
    connected: () => backplane.connected,
    onFailure: options.onFailure,
  })
  const repair = createRepairs(options, checks)

  function countBytes(change: number): void {
    counters.historyRingBytes += change
    if (counters.historyRingBytes <= RINGS_BYTES_MAX) return
    for (const { log } of held.values()) {
      if (counters.historyRingBytes <= RINGS_BYTES_MAX / 2) return
      log.ring.clear()
    }
  }

  function open(topic: Topic, target: HistoryTarget, tellsBegin: boolean): void {
    const wide = hearsAll(topic.about)
    const log = createLog({
      tellsBegin,
      wide,
      about: topic.about,
      subject: target.publishSubject,
      stream: target.stream,
      ring: createRing({ ...(wide ? WIDE_RING : RING), onBytes: countBytes }),
      waitingMax: WAITING_MAX,
      onMessage({ frames }) {
        if (topic.drops) frames.droppable = droppableIn(topic, log, frames.message)
        deliver.framesToTopic(topic, frames, roomUnder(topics, topic, frames.message))
      },
      onGap: (gap) => {
        counters.historyGaps.add(gap.reason)
        deliver.noticeToTopic(topic, buildGap(topic.about, gap, false), buildGap(topic.about, gap, true))
      },
      onMissing: repair,
      onDoubt: (log, why) => {
        if (why === 'rollback') checks.rolledBack(log)
        else void checks.check(log)
      },
    })
    held.set(topic, { log, subscribed: subscribe(log, target.liveSubject) })
    void checks.check(log)
  }

  function opened(topic: Topic, tellsBegin: boolean): void {
    const target = held.has(topic) ? null : targetOf(topic.about)
    if (target !== null) open(topic, target, tellsBegin)
  }

  function checkAll(which: (log: Log) => boolean): void {
    for (const { log } of held.values()) if (which(log)) void checks.check(log)
  }

  return {
    of: (topic) => held.get(topic)?.log ?? null,
    opened: (topic) => opened(topic, false),
    closed(topic) {
      const known = held.get(topic)
      if (known === undefined) return
      held.delete(topic)
      known.subscribed.unsubscribe()
      known.log.closed = true
      known.log.ring.clear()
    },
    reopen(topics) {
      for (const topic of topics) opened(topic, topic.members.length > 0)
    },
    ready: (log, offset) => ready(checks, log, offset),
    reconnected: () => checkAll(() => true),
    tick() {
      const now = nowMs()
      if (now - sweptAt >= SWEEP_MS) {
        sweptAt = now
        retriedAt = now
        checkAll((log) => checks.underWay(log) === null && now - checks.askedAt(log) >= CHECKED_LATELY_MS)
      } else if (now - retriedAt >= RETRY_MS) {
        retriedAt = now
        checkAll((log) => checks.underWay(log) === null && isOpen(checks, log))
      }
    },
  }
}

/** A live message that slow readers of a room or of all rooms of a namespace may lose. */
function droppableIn(source: Topic, { epoch, era }: Log, { place }: StoredInbound): Droppable {
  return { source, place: { epoch: epoch ?? '', era, prev: place.prev, offset: place.offset } }
}

async function ready(checks: Checks, log: Log, offset: number): Promise<boolean> {
  if (checks.holds(log, offset)) return true
  // Who comes while the log is being checked needs no check of its own: in a storm that would be one more for every log.
  const underWay = checks.underWay(log)
  if (underWay !== null && !(await underWay)) return false
  if (underWay !== null && checks.holds(log, offset)) return true
  return (await checks.check(log)) && log.epoch !== null
}

/** Whether where it stands is not known, or not on this connection. A repair ends by itself. */
function isOpen(checks: Checks, log: Log): boolean {
  return log.phase === 'unknown' || (log.phase === 'following' && !checks.holds(log, 0))
}

/** Repairs that are counted, and told where they have to be repeated. */
function createRepairs({ reads, counters, onRepairFailure }: LogsOptions, checks: Checks) {
  return createRepair({
    reads,
    check: (log) => void checks.check(log),
    rolledBack: (log) => checks.rolledBack(log),
    onRepaired: (result) => counters.historyRepairs.add(result),
    onRetry: ({ stream }, error) => {
      counters.historyRepairs.add('retried')
      onRepairFailure(stream, error)
    },
  })
}

/** Copies of rooms, and of whole namespaces, as their logs take them. */
function createSubscribe(backplane: LogsOptions['backplane']): (log: Log, subject: string) => Subscribed {
  const feeds = createFeeds<StoredInbound>({
    listen: (subject, take) => backplane.listenStored(subject, take),
    confirm: () => backplane.confirm(),
    // A log knows what it has.
    identify: null,
  })
  return (log, subject) => {
    if (log.about.kind === 'user') return backplane.listenStored(subject, (message) => log.receive(message))
    if (!log.wide) return feeds.listen(subject, (message) => log.receive(message))
    return feeds.listenAll(subject, (message, on) => log.receive(heardUnder(log, message, on)))
  }
}

/** All rooms of a namespace are one chain: its stream keeps nothing else, so that each message follows the one before it. */
function heardUnder({ about }: Log, message: StoredInbound, subject: string): StoredInbound {
  const { offset, prev, time } = message.place
  return { ...message, place: { offset, prev: offset - 1, time }, under: roomHeard(about, subject, prev) }
}
