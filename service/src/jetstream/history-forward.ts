// Messages of a subject from a sequence on. A direct get that ends before what is known to be there is stale: it is asked again, then
// the leader is asked message by message, and only the leader says that something is gone.
import { bytesOf, type ReadMessage } from './history-message.ts'
import { type HistoryRequests, TRIES_MAX } from './history-requests.ts'
import { HistoryUnavailable } from './history-unavailable.ts'

/** See {@link readForward}. */
export interface ForwardRead {
  readonly subject: string
  /** Inclusive. */
  readonly from: number
  /** A sequence of the subject that must be reached unless it is gone; 0 for none. */
  readonly upTo: number
  readonly messagesMax: number
}

/** What was read. */
export interface ForwardPage {
  readonly messages: ReadMessage[]
  readonly more: boolean
  /** How many messages of the subject lie at or above `from`; Infinity where that is not known. */
  readonly following: number
}

/** A page has about this many bytes: the last message may pass it. */
export const PAGE_BYTES = 1024 * 1024

/** Reads one page. */
export async function readForward(requests: HistoryRequests, read: ForwardRead): Promise<ForwardPage> {
  const page = createPage(read)
  for (let tries = 1; tries <= TRIES_MAX; ) {
    const batch = await requests.batch('forward', {
      seq: Math.max(1, page.next),
      next_by_subj: read.subject,
      batch: read.messagesMax - page.messages.length,
      max_bytes: PAGE_BYTES - page.bytes,
    })
    if (batch.kind === 'failed') {
      await requests.again('failed', tries)
      // Silence has cost most of the time that there is: the leader must have its share.
      tries += batch.why === 'silence' ? 2 : 1
      continue
    }
    const sent = batch.kind === 'none' ? [] : batch.messages
    const left = page.take(sent) + (batch.kind === 'none' ? 0 : batch.pending)
    const following = page.messages.length + left
    const unreadable = sent.includes(null)
    // The bounds ended it. The server counts bytes by itself, headers too, so that it alone knows when a page is full.
    if (left > 0 && (page.full || (sent.length > 0 && !unreadable)))
      return { messages: page.messages, more: true, following }
    if (left === 0 && page.next > read.upTo) return { messages: page.messages, more: false, following }
    // As much was sent as was asked for, yet what must be reached lies behind.
    if (page.full) return { messages: page.messages, more: true, following: Number.POSITIVE_INFINITY }
    if (unreadable) {
      const message = await requests.leaderNext(read.subject, page.next)
      if (message !== null) {
        page.take([message])
        if (!page.full) continue
        const behind = left > 1 || page.next <= read.upTo
        return { messages: page.messages, more: behind, following: page.messages.length + left - 1 }
      }
    }
    await requests.again('stale', tries++)
  }
  return await readAtLeader(requests, read, page)
}

/** Reads on at the leader, one by one. */
async function readAtLeader(requests: HistoryRequests, read: ForwardRead, page: Page): Promise<ForwardPage> {
  while (!page.full) {
    const message = await requests.leaderNext(read.subject, page.next)
    if (message === null) {
      // A leader that has not stored that far knows nothing of what is gone.
      if (page.next <= read.upTo && (await requests.leaderEnd()) < read.upTo)
        throw new HistoryUnavailable('behind', requests.stream)
      return { messages: page.messages, more: false, following: page.messages.length }
    }
    page.take([message])
  }
  return { messages: page.messages, more: true, following: Number.POSITIVE_INFINITY }
}

interface Page {
  readonly messages: ReadMessage[]
  readonly bytes: number
  readonly full: boolean
  /** The sequence to go on from. */
  readonly next: number
  /**
   * Takes messages up to the first that can't be read.
   *
   * @returns how many were not taken
   */
  take(messages: readonly (ReadMessage | null)[]): number
}

function createPage({ from, messagesMax }: ForwardRead): Page {
  const messages: ReadMessage[] = []
  let bytes = 0
  return {
    messages,
    get bytes() {
      return bytes
    },
    get full() {
      return messages.length >= messagesMax || bytes >= PAGE_BYTES
    },
    get next() {
      return (messages.at(-1)?.offset ?? from - 1) + 1
    },
    take(read) {
      let taken = 0
      for (const message of read) {
        if (message === null) break
        messages.push(message)
        bytes += bytesOf(message)
        taken++
      }
      return read.length - taken
    },
  }
}
