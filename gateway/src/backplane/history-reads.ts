// Reads of histories as the gateway uses them: pages of checked messages with their places in the chain.
import type { HistoryMessage, HistoryPage } from '@sluice/service/jetstream/history-message'
import type { HistoryReader } from '@sluice/service/jetstream/history-reader'
import type { HistoryState } from '@sluice/service/jetstream/history-state'
import type { TopicName } from '../fanout/topic.ts'
import { roomHeard } from '../fanout/wildcards.ts'
import type { Page, Reads } from '../history/repair.ts'
import { createRounds } from '../history/rounds.ts'
import { readStored, type StoredInbound } from './inbound.ts'

/** See {@link createHistoryReads}. */
export interface HistoryReadsOptions {
  readonly reader: HistoryReader
  /** The state of a stream; null where there is none. */
  readonly state: (stream: string) => Promise<HistoryState | null>
  readonly payloadBytesMax: number
}

/** Reads of a gateway. */
export interface HistoryReads extends Reads {
  /** A page behind an offset, for a client that asked for it. */
  after(at: Place, offset: number, upTo: number, messagesMax: number): Promise<Pick<Page, 'messages' | 'more'>>
  /** One look-up for all who ask at about the same time. */
  stream(at: Pick<Place, 'stream'>): Promise<HistoryState | null>
}

/** Messages of one page: what is read ahead is little, as it may be read in vain. */
const PAGE_MESSAGES_MAX = 256

/** Makes them. */
export function createHistoryReads({ reader, state, payloadBytesMax }: HistoryReadsOptions): HistoryReads {
  const checked = ({ messages, more }: HistoryPage): { messages: StoredInbound[]; more: boolean } => ({
    messages: messages.map(({ message, offset, prev, time }: HistoryMessage) =>
      readStored(message, { offset, prev, time }, payloadBytesMax),
    ),
    more,
  })

  const underWay = createReadsUnderWay()

  /** The rooms of a namespace are one chain here; each message says besides what it follows in its room, as far as the page has it. */
  const checkedAll = (messages: readonly HistoryMessage[], about: TopicName, from: number): StoredInbound[] =>
    messages.map(({ message, offset, prev, time, subject }, at) => {
      const place = { offset, prev: messages[at - 1]?.offset ?? Math.max(0, from - 1), time }
      return {
        ...readStored(message, place, payloadBytesMax),
        under: roomHeard(about, subject, prev < from ? 0 : prev),
      }
    })

  async function forward(at: Place, from: number, upTo: number, messagesMax: number): Promise<Page> {
    const { stream, subject, about, wide = false } = at
    const page = await underWay.count(stream, reader.forward({ stream, subject, from, upTo, messagesMax }))
    const { messages, more, following } = page
    if (!wide || about === undefined) return { ...checked(page), following }
    return { messages: checkedAll(messages, about, from), more, following }
  }

  // What is asked for evidence must be looked up after whatever it speaks of was read: nobody joins a look-up that has begun. Reads that
  // are under way are likely to ask the same when they end: in a storm one look-up for all of them, not one for each few.
  const states = createRounds((stream: string) => state(stream), underWay.ended)

  return {
    forward: (log, from, upTo) => forward(log, from, upTo, PAGE_MESSAGES_MAX),
    after: (at, offset, upTo, messagesMax) => forward(at, offset + 1, upTo, messagesMax),
    async backward({ stream, subject }, before, messagesMax, upTo) {
      return checked(await reader.backward({ stream, subject, before, messagesMax, upTo }))
    },
    stream: ({ stream }) => states.take(stream, {}),
  }
}

/** Where a room's messages are stored. */
export interface Place {
  readonly stream: string
  readonly subject: string
  /** Whose messages they are; needed where they are those of all rooms of a namespace. */
  readonly about?: TopicName
  /** Whether they are those of all rooms of a namespace. Default false. */
  readonly wide?: boolean
}

/** Reads under way, of each stream. */
function createReadsUnderWay() {
  const reads = new Map<string, Set<Promise<unknown>>>()
  return {
    async count<page>(stream: string, read: Promise<page>): Promise<page> {
      const all = reads.get(stream) ?? new Set()
      reads.set(stream, all)
      all.add(read)
      try {
        return await read
      } finally {
        all.delete(read)
        if (all.size === 0) reads.delete(stream)
      }
    },
    /** When those of this moment have ended; null where there are none. */
    ended(stream: string): Promise<unknown> | null {
      const all = reads.get(stream)
      return all === undefined ? null : Promise.allSettled(all)
    },
  }
}
