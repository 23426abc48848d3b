// Reads what a log is missing, page by page, and gives it to the log in order; what can't be read any more is told as a gap. One
// repair for each log at a time.
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import type { StoredInbound } from '../backplane/inbound.ts'
import type { Log } from './log.ts'
import { judgeRecovery, type StreamEvidence } from './recovered.ts'
import { isWhole, judgeWildcard } from './wildcard-recovered.ts'

/** One page of a history. */
export interface Page {
  readonly messages: readonly StoredInbound[]
  /** Whether the page's own bounds ended it. */
  readonly more: boolean
  /** Messages of the room from where the page begins on, in all. */
  readonly following: number
}

/** What is read: as much of a log as says it. */
export type ReadFrom = Pick<Log, 'stream' | 'subject'> & Partial<Pick<Log, 'about' | 'wide'>>

/** A stream as it is looked up for evidence. */
export type StreamSeen = StreamEvidence & { readonly epoch: string; readonly lastSequence: number }

/** What is read with; every call rejects while NATS can't say. */
export interface Reads {
  /** @param upTo - the offset of a message that must be reached, unless it is gone */
  forward(at: ReadFrom, from: number, upTo: number): Promise<Page>
  /**
   * The last messages below an offset, in order.
   *
   * @param upTo - the offset of a message below it that must be reached, unless it is gone; 0 for none
   */
  backward(
    at: Pick<Log, 'stream' | 'subject'>,
    before: number,
    messagesMax: number,
    upTo: number,
  ): Promise<Pick<Page, 'messages' | 'more'>>
  stream(at: Pick<Log, 'stream'>): Promise<StreamSeen | null>
}

/** See {@link createRepair}. */
export interface RepairOptions {
  readonly reads: Reads
  /** Looks at the log once more: what came meanwhile may be missing too. */
  readonly check: (log: Log) => void
  /** Another message stands where the log saw one: the stream has lost its end, and its offsets are given to others. */
  readonly rolledBack: (log: Log) => void
  readonly onRepaired: (result: 'repaired' | 'lost' | 'failed') => void
  /** A read has failed; it is tried again. */
  readonly onRetry: (log: Log, error: unknown) => void
}

const RETRY_MS = 500
/** Some thirty seconds, after which a check begins anew. */
const ATTEMPTS_MAX = 60

/** Makes the repair of logs. */
export function createRepair({
  reads,
  check,
  rolledBack,
  onRepaired,
  onRetry,
}: RepairOptions): (log: Log, upTo: number) => void {
  /** Whether everything up to there was given to the log. */
  async function repair(log: Log, upTo: number): Promise<'repaired' | 'lost' | 'gone'> {
    const { era, epoch } = log
    let result: 'repaired' | 'lost' = 'repaired'
    for (;;) {
      const held = log.position
      const page = await reads.forward(log, held.offset, upTo)
      const first = page.messages[0]?.place
      const last = page.messages.at(-1)?.place
      const exact = first?.offset === held.offset ? first.time : null
      const short = !page.more && Math.max(held.offset, last?.offset ?? 0) < upTo
      const whole = log.wide && isWhole(page.messages, held.offset, page.more ? (last?.offset ?? held.offset) : upTo)
      const asks = (log.wide && !whole) || exact !== held.time || short
      const stream = asks ? await reads.stream(log) : null
      if (asks && stream === null) throw new Error('no such stream')
      // Who waits for the log's position acts on it in microtasks: it must not move among them.
      await turn()
      if (log.closed || log.era !== era) return 'gone'
      if (stream !== null && stream.epoch !== epoch) {
        log.giveUp()
        check(log)
        return 'gone'
      }
      const following = page.following - (exact === null ? 0 : 1)
      const position = { epoch: epoch ?? '', ...held }
      const evidence = { epoch: epoch ?? '', end: upTo, timeAtHeld: exact, stream }
      const gap = log.wide
        ? judgeWildcard(position, { ...evidence, whole })
        : judgeRecovery(position, { ...evidence, following })
      if (gap === 'mismatch' && held.offset === log.lastMessage) {
        log.giveUp()
        rolledBack(log)
        return 'gone'
      }
      // The leader's time is above that of whatever was stored there: a late copy of it is no newer message.
      const end = { offset: upTo, time: Math.max(held.time, stream?.now ?? 0) }
      if (gap === null) log.read(page.messages)
      else {
        result = 'lost'
        log.lose('lost', last ?? end)
      }
      if (short) log.reach(end)
      if (!page.more || log.position.offset >= upTo) return result
    }
  }

  async function run(log: Log, upTo: number): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX && !log.closed; attempt++) {
      try {
        const result = await repair(log, upTo)
        if (result === 'gone') return
        onRepaired(result)
        log.resume()
        return
      } catch (error) {
        onRetry(log, error)
        await pause(RETRY_MS)
      }
    }
    if (log.closed) return
    onRepaired('failed')
    log.giveUp()
    check(log)
  }

  return (log, upTo) => void run(log, upTo)
}
