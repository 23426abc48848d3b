// Reads of histories as the gateway uses them: pages of checked messages with their places in the chain.
import type { HistoryMessage, HistoryPage } from '@sluice/service/jetstream/history-message'
import type { HistoryReader } from '@sluice/service/jetstream/history-reader'
import type { HistoryState } from '@sluice/service/jetstream/history-state'
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

  async function forward({ stream, subject }: Place, from: number, upTo: number, messagesMax: number): Promise<Page> {
    const page = await reader.forward({ stream, subject, from, upTo, messagesMax })
    return { ...checked(page), following: page.following }
  }

  // What is asked for evidence must be looked up after whatever it speaks of was read: nobody joins a look-up that has begun.
  const states = createRounds((stream: string) => state(stream))

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
}
