// Connections that catch up, as `catchUp` needs them: their queues and their pace, their membership, and the wildcard that may be over
// the room. Step 4 of the message path, for those who come late.
import type { Deliver } from '../fanout/deliver.ts'
import { deflatedFrameOf, frameOf, withheldFrameOf } from '../fanout/frames.ts'
import { finishJoin, type Member, type Topic } from '../fanout/topic.ts'
import type { Topics } from '../fanout/topics.ts'
import type { Deflater } from '../outbound/deflater.ts'
import { undroppable } from '../outbound/droppable.ts'
import type { Outbox } from '../outbound/outbox.ts'
import type { Joiner } from './catch-up.ts'
import { buildGap } from './gap-frame.ts'
import type { Gap } from './log.ts'
import type { Logs } from './logs.ts'
import type { RingEntry } from './ring.ts'
import { createUnderWildcard } from './under-wildcard.ts'

/** See {@link createJoiners}. */
export interface JoinersOptions {
  readonly logs: Pick<Logs, 'of'>
  readonly topics: Pick<Topics, 'find'>
  readonly outbox: Pick<Outbox, 'push' | 'paced'>
  readonly deflater: Deflater
  readonly deliver: Pick<Deliver, 'caughtUp' | 'settle'>
  /** A catch-up fills this much of a queue. */
  readonly pacedBytes: number
  /** Whether the connection still takes part. */
  readonly isLive: (member: Member) => boolean
  readonly counters: { deliveries: number }
}

/** Makes joiners. */
export interface Joiners {
  of(member: Member, topic: Topic): Joiner
  /** See `BothJoined.leaving`. */
  leaving(member: Member, topic: Topic): void
}

/** Makes the maker. */
export function createJoiners(options: JoinersOptions): Joiners {
  const { outbox, deflater, deliver, counters, pacedBytes } = options
  const both = createUnderWildcard({ ...options, send, sendGap })

  /** @returns its bytes, none for what is shown to nobody; null if it did not fit */
  function send(member: Member, { about }: Topic, { frames }: RingEntry): number | null {
    const whole = frames.message.unfit === null ? frameOf(about, frames, member.binary, () => undefined) : null
    const frame =
      whole === null ? withheldFrameOf(about, frames, member.binary) : deflatedFrameOf(frames, whole, member, deflater)
    if (frame === null) return 0
    // What it asks for is told by its `ok`, and no other room's rush may take it.
    if (!outbox.push(member, undroppable(frame))) return null
    counters.deliveries++
    return frame.length
  }

  function sendGap(member: Member, { about }: Topic, gap: Gap): void {
    outbox.push(member, buildGap(about, gap, member.binary))
  }

  return {
    leaving: both.leaving,
    of(member, topic) {
      let sentBytes = 0
      return {
        get alive() {
          return options.isLive(member) && member.topics.includes(topic)
        },
        get level() {
          return both.isLevel(member, topic)
        },
        send(entry) {
          const bytes = send(member, topic, entry)
          sentBytes += bytes ?? 0
          return bytes !== null && sentBytes < pacedBytes
        },
        sendGap: (gap) => sendGap(member, topic, gap),
        paced() {
          sentBytes = 0
          // Whoever was paced sends in the same turn, so that of many catch-ups of one connection each sees what the others have sent.
          return outbox.paced(member, pacedBytes)
        },
        finish() {
          both.entering(member, topic)
          if (!finishJoin(member, topic)) return false
          deliver.caughtUp(topic, member)
          return true
        },
      }
    },
  }
}
