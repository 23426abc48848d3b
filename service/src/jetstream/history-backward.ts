// The last messages of a subject below a sequence. No server call reads backwards: where to begin is found by asking how many messages
// lie above a sequence, and from there one reads forward. Counts may be stale; what is known to be there is reached as in any read.
import type { DirectGet } from './direct-get.ts'
import type { Batch } from './history-batch.ts'
import { PAGE_BYTES, readForward } from './history-forward.ts'
import { bytesOf, type ReadMessage } from './history-message.ts'
import { type HistoryRequests, TRIES_MAX } from './history-requests.ts'
import { HistoryUnavailable } from './history-unavailable.ts'

/** See {@link readBackward}. */
export interface BackwardRead {
  readonly subject: string
  /** Exclusive; may lie above everything. */
  readonly before: number
  readonly messagesMax: number
  /** A sequence of the subject below `before` that must be reached unless it is gone; 0 for none. */
  readonly upTo: number
}

/** What was read. */
export interface BackwardPage {
  readonly messages: ReadMessage[]
  readonly more: boolean
  /** The message before the first one, as far as it is known: 0 where none is kept. */
  readonly prev: number
}

/** A place in the subject: its messages at or above `first`, those at or above `before` not counted. */
interface Place {
  readonly first: number
  readonly count: number
}

/** Guesses by density mostly need two or three; where messages lie in crowds, halving is quicker, and finds any place within 53. */
const GUESSES_MAX = 3
const PROBES_MAX = 60
/** Each page that is full of bytes halves what is wanted, or brings the end nearer by as much. */
const ROUNDS_MAX = 24
const FEW = 8

/** Reads one page. */
export async function readBackward(requests: HistoryRequests, read: BackwardRead): Promise<BackwardPage> {
  for (let tries = 1; ; tries++) {
    // Messages that come meanwhile are counted as if they were wanted, and take the place of older ones: so many may.
    const spare = tries === 1 ? 0 : 4 ** (tries + 1)
    const page = await attempt(requests, read, spare)
    if (!page.short || tries >= TRIES_MAX) return page
    await requests.again('stale', tries)
  }
}

async function attempt(
  requests: HistoryRequests,
  read: BackwardRead,
  spare: number,
): Promise<BackwardPage & { short: boolean }> {
  const { subject, before, messagesMax, upTo } = read
  const [whole, end] = await Promise.all([probe(requests, subject, 1), endOf(requests, subject)])
  const above = before > end ? 0 : ((await probe(requests, subject, before))?.count ?? 0)
  // Above the last message there is nothing to aim at, however far above it `before` is.
  const ceiling = Math.min(before, Math.max(end, upTo) + 1)
  const oldest = whole?.first ?? 1
  let start: Place = { first: oldest, count: Math.max(0, (whole?.count ?? 0) - above) }
  if (start.count === 0 && upTo === 0) return { messages: [], more: false, prev: 0, short: false }

  // One more than is wanted tells what lies before the first.
  let wanted = messagesMax + 1 + spare
  let window: ReadMessage[] = []
  let windowFrom = start.first
  for (let round = 0; ; round++) {
    const begin = await aim(requests, { subject, ceiling, above, wanted }, start)
    if (begin.first !== start.first) {
      window = []
      windowFrom = begin.first
    }
    const page = await readForward(requests, {
      subject,
      from: begin.first,
      upTo: Math.min(upTo, before - 1),
      messagesMax: Math.max(begin.count, wanted),
    })
    window.push(...page.messages.filter(({ offset }) => offset < before))
    const last = page.messages.at(-1)?.offset ?? 0
    const left = page.following - page.messages.length - above
    // What comes after the end that was looked up is welcome, but not chased.
    if (!page.more || last >= ceiling - 1 || (left <= 0 && last >= upTo)) break
    if (round >= ROUNDS_MAX) throw new HistoryUnavailable('no-answer', requests.stream, 'no end of a page')
    start = { first: last + 1, count: Math.max(1, left) }
    // The page was full of bytes, and tells how many fit; of a few that may just be big ones less is believed.
    const fit = page.messages.length
    wanted = Math.min(start.count, fit < FEW ? Math.max(fit, wanted >>> 1) : fit)
  }
  const page = cut(window, messagesMax, windowFrom > oldest)
  return { ...page, short: page.more && page.messages.length < messagesMax && wanted > messagesMax }
}

interface Aim {
  readonly subject: string
  readonly ceiling: number
  readonly above: number
  readonly wanted: number
}

/** Finds a place with at least as many messages as are wanted, and not many more. */
async function aim(requests: HistoryRequests, { subject, ceiling, above, wanted }: Aim, start: Place): Promise<Place> {
  const enough = wanted + Math.max(4, wanted >>> 2)
  let low = start
  let high: Place = { first: ceiling, count: 0 }
  for (let probes = 0; probes < PROBES_MAX && low.count > enough && high.first - low.first > 1; probes++) {
    const at = guess(low, high, { wanted: (wanted + enough) / 2, halve: probes >= GUESSES_MAX })
    const found = await probe(requests, subject, at)
    const count = Math.max(0, (found?.count ?? 0) - above)
    if (found !== null && count >= wanted) low = { first: found.first, count }
    else high = { first: at, count }
  }
  return low
}

/** Where it would be if messages lay evenly between the two, or the middle. */
function guess(
  low: Place,
  high: Place,
  { wanted, halve }: { readonly wanted: number; readonly halve: boolean },
): number {
  const span = high.first - low.first
  const part = halve ? 0.5 : (wanted - high.count) / Math.max(1, low.count - high.count)
  return high.first - Math.min(span - 1, Math.max(1, Math.round(span * part)))
}

/** The first message at or above a sequence, and how many there are. */
async function probe(requests: HistoryRequests, subject: string, from: number): Promise<Place | null> {
  const batch = await asked(requests, { seq: Math.max(1, from), next_by_subj: subject, batch: 1, max_bytes: 1 })
  return batch.kind === 'end' ? { first: batch.last, count: batch.pending + 1 } : null
}

async function asked(requests: HistoryRequests, question: DirectGet): Promise<Exclude<Batch, { kind: 'failed' }>> {
  for (let tries = 1; ; tries++) {
    const batch = await requests.batch('probe', question)
    if (batch.kind !== 'failed') return batch
    if (tries >= TRIES_MAX) {
      // The leader can't count, but it knows whether there is a stream.
      await requests.leaderEnd()
      throw new HistoryUnavailable('no-answer', requests.stream, batch.why)
    }
    await requests.again('failed', tries)
  }
}

/** The last sequence of the subject, as far as a server knows; 0 where it knows none. */
async function endOf(requests: HistoryRequests, subject: string): Promise<number> {
  const batch = await asked(requests, { multi_last: [subject], batch: 1, max_bytes: 1 })
  return batch.kind === 'end' ? batch.last : 0
}

/** The end of what was read: as many as are wanted, and about as many bytes as a page has. */
function cut(window: readonly ReadMessage[], messagesMax: number, olderKept: boolean): BackwardPage {
  let from = window.length
  let bytes = 0
  while (from > 0 && window.length - from < messagesMax && bytes < PAGE_BYTES) {
    from--
    bytes += bytesOf(window[from] as ReadMessage)
  }
  const messages = window.slice(from)
  const more = from > 0 || olderKept
  const bound = more ? (messages[0]?.offset ?? 1) - 1 : 0
  return { messages, more, prev: window[from - 1]?.offset ?? bound }
}
