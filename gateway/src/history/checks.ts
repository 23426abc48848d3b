// Finds out where logs stand: one question to the leader of their stream on the connection that has subscribed, which proves that our
// interest has reached it, then the last message of each room, at least that new. One round serves all logs of a stream that
// ask at about the same time; a sweep asks for every log within half a minute, as a lost last copy leaves no trace.
import { setImmediate as turn } from 'node:timers/promises'
import type { Position, RollbackClaim } from '@sluice/proto'
import type { Log } from './log.ts'
import { createRounds } from './rounds.ts'

/** The state of a stream, as its leader tells it. */
export interface CheckedStream {
  readonly epoch: string
  readonly lastSequence: number
  /** When the message at it was stored. */
  readonly lastTime: number
  /** The leader's time. */
  readonly now: number
}

/** See {@link createChecks}. */
export interface ChecksOptions {
  /** Asked on the connection of live copies; null where there is no such stream; rejects where nobody answers. */
  readonly state: (stream: string) => Promise<CheckedStream | null>
  /** The last messages of these subjects, at least as new as the fence. */
  readonly lasts: (stream: string, subjects: readonly string[], fence: number) => Promise<ReadonlyMap<string, Position>>
  /** How often the connection of live copies was made. */
  readonly connects: () => number
  readonly connected: () => boolean
  readonly nowMs: () => number
  /** A stream has lost its end, and goes on under the same epoch: routers are to look. Told again until it has another epoch. */
  readonly claim: (claim: RollbackClaim) => void
  /** A check could not be made; logs with members are checked again. */
  readonly onFailure: (stream: string, reason: unknown) => void
}

/** Checks of logs. */
export interface Checks {
  /**
   * Checks soon, together with others of its stream.
   *
   * @returns whether it could be checked
   */
  check(log: Log): Promise<boolean>
  /**
   * The check of a log that is asked for and not done; null without one. Its answer is no older than our interest in the log's
   * messages, which is all that a `join` needs; who needs an answer from after this moment asks for a check.
   */
  underWay(log: Log): Promise<boolean> | null
  /** Monotonic time at which the leader was asked for what is known of a log; -Infinity before. */
  askedAt(log: Log): number
  /** Whether what is known of a log still holds, and reaches an offset. */
  holds(log: Log, offset: number): boolean
  /** The log's history has lost its end: waits for the routers to give it another epoch. */
  rolledBack(log: Log): void
}

interface Asked {
  readonly log: Log
  /** The log's when the leader was asked: another one by now has begun with a later answer. */
  readonly era: number
  /** Where it stood then: meanwhile it may have got further than the answer. */
  readonly held: number
}

/** When a leader was asked. */
interface Asking {
  readonly connects: number
  readonly at: number
}

/** Routers that are told need some seconds; without them a rollback is told under the old epoch, late rather than never. */
const GENERATION_WAIT_MS = 15_000
const RECHECK_MS = 500

/** Makes the checks of a gateway. */
export function createChecks(options: ChecksOptions): Checks {
  const { state, lasts, connects, connected, nowMs, claim, onFailure } = options
  const rounds = createRounds(run)
  const ends = createEnds(nowMs)
  const rechecked = new Set<Log>()
  /** The last that was asked for, of each log. */
  const waiting = new Map<Log, Promise<boolean>>()
  const askedAt = new WeakMap<Log, number>()

  function recheck(log: Log): void {
    if (rechecked.has(log)) return
    rechecked.add(log)
    setTimeout(() => {
      rechecked.delete(log)
      if (!log.closed) void check(log)
    }, RECHECK_MS).unref()
  }

  /** @returns whether the log waits for routers to give its stream another epoch */
  function apply({ log, era, held }: Asked, stream: CheckedStream, last: Position | null, by: Asking): boolean {
    if (log.closed || log.era !== era) return false
    const fence = { offset: stream.lastSequence, time: stream.now }
    const since = log.epoch === stream.epoch ? ends.lostSince(log, stream.lastSequence < held) : null
    if (since !== null && nowMs() - since < GENERATION_WAIT_MS) {
      recheck(log)
      // A leader that was just elected may have come further by the next look: only then is it worth telling.
      return nowMs() - since >= RECHECK_MS
    }
    ends.forget(log)
    if (since === null) log.checked(stream.epoch, fence, last)
    else log.begin(stream.epoch, fence, last)
    log.checkedOn = by.connects
    askedAt.set(log, by.at)
    return false
  }

  async function run(stream: string, logs: ReadonlySet<Log>): Promise<boolean> {
    const by: Asking = { connects: connects(), at: nowMs() }
    const asked: Asked[] = [...logs].map((log) => ({ log, era: log.era, held: log.position.offset }))
    try {
      const found = await state(stream)
      if (found === null) {
        onFailure(stream, null)
        return false
      }
      const wanted = asked.filter(({ log }) => !log.closed)
      const subjects = wanted.filter(({ log }) => !log.wide).map(({ log }) => log.subject)
      const known = subjects.length === 0 ? new Map() : await lasts(stream, subjects, found.lastSequence)
      // A log moves in a turn of its own: see repair.ts.
      await turn()
      const waiting = wanted.filter((one) => apply(one, found, lastOf(one.log, found, known), by))
      const furthest = waiting.map(({ log }) => log).toSorted((a, b) => b.position.offset - a.position.offset)[0]
      if (furthest !== undefined) claim(claimOf(furthest, stream))
      return by.connects === connects()
    } catch (error) {
      onFailure(stream, error)
      return false
    }
  }

  function check(log: Log): Promise<boolean> {
    if (!connected()) return Promise.resolve(false)
    const done = rounds.take(log.stream, log)
    if (waiting.get(log) === done) return done
    waiting.set(log, done)
    void done.finally(() => {
      if (waiting.get(log) === done) waiting.delete(log)
    })
    return done
  }

  return {
    check,
    underWay: (log) => waiting.get(log) ?? null,
    askedAt: (log) => askedAt.get(log) ?? Number.NEGATIVE_INFINITY,
    holds: (log, offset) =>
      log.epoch !== null && log.rolledBackAt === null && log.checkedOn === connects() && offset <= log.end.offset,
    rolledBack(log) {
      log.rolledBackAt ??= nowMs()
      void check(log)
    },
  }
}

/** What a log knows of its stream that the stream has no more. Its position is a message's only where one was seen. */
function claimOf({ epoch, position, lastMessage }: Log, stream: string): RollbackClaim {
  const { offset, time } = position
  return { stream, epoch: epoch ?? '', offset, ...(offset === lastMessage ? { time } : {}) }
}

/** A log's last message. All rooms of a namespace end where their stream does. */
function lastOf(log: Log, stream: CheckedStream, lasts: ReadonlyMap<string, Position>): Position | null {
  if (!log.wide) return lasts.get(log.subject) ?? null
  return stream.lastSequence === 0 ? null : { offset: stream.lastSequence, time: stream.lastTime }
}

/** Knows since when histories are without an end that they had. */
function createEnds(nowMs: () => number) {
  /** Since when leaders tell ends below where logs stand: one that was just elected may not have come that far yet. */
  const behindSince = new WeakMap<Log, number>()
  return {
    /** Null where nothing is lost. */
    lostSince(log: Log, behind: boolean): number | null {
      if (!behind) behindSince.delete(log)
      else if (!behindSince.has(log)) behindSince.set(log, nowMs())
      return log.rolledBackAt ?? behindSince.get(log) ?? null
    },
    forget: (log: Log) => void behindSince.delete(log),
  }
}
