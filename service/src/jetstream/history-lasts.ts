// The last message of many subjects, at least as new as a fence. A server's own end marker says how new it is; what no marker vouches
// for is asked of the leader, subject by subject. Brings no content.
import { type HistoryRequests, TRIES_MAX } from './history-requests.ts'
import { HistoryUnavailable } from './history-unavailable.ts'

/** Where a subject ends. */
export interface Last {
  readonly offset: number
  readonly time: number
}

/** What the server answers for in one question, 413 beyond; and what one question may weigh. */
const CHUNK_SUBJECTS = 1024
const CHUNK_CHARS = 128 * 1024
const BYTES_MAX = 1024 * 1024

/**
 * Reads the last of each subject.
 *
 * @param fence - everything up to it counts
 * @returns subjects without a message are left out
 */
export async function readLasts(
  requests: HistoryRequests,
  subjects: readonly string[],
  fence: number,
): Promise<Map<string, Last>> {
  const found = new Map<string, Last>()
  await Promise.all(
    chunksOf(subjects).map(async (chunk) => {
      const open = await readChunk(requests, chunk, fence, found)
      if (open.length > 0) await askLeader(requests, open, fence, found)
    }),
  )
  return found
}

/** @returns those about which no server that is new enough has said anything */
async function readChunk(
  requests: HistoryRequests,
  chunk: readonly string[],
  fence: number,
  found: Map<string, Last>,
): Promise<readonly string[]> {
  let open = chunk
  for (let tries = 1; open.length > 0; ) {
    const batch = await requests.batch('lasts', { multi_last: open, batch: open.length, max_bytes: BYTES_MAX })
    // Without a marker nothing says how new it is.
    if (batch.kind === 'none') return open
    if (batch.kind === 'end' && batch.upTo >= fence) {
      const read = batch.messages.filter((message) => message !== null)
      for (const { subject, offset, time } of read) found.set(subject, { offset, time })
      if (batch.pending === 0 && read.length === batch.messages.length) return []
      open = open.filter((subject) => !found.has(subject))
      // The next page: each asks for those that are still open, so it needs no marker of the one before.
      if (batch.pending > 0 && read.length > 0) continue
      return open
    }
    tries += batch.kind === 'failed' && batch.why === 'silence' ? 2 : 1
    if (tries > TRIES_MAX) return open
    await requests.again(batch.kind === 'end' ? 'stale' : 'failed', tries)
  }
  return open
}

async function askLeader(
  requests: HistoryRequests,
  subjects: readonly string[],
  fence: number,
  found: Map<string, Last>,
): Promise<void> {
  // A leader that has not stored that far knows nothing of what is gone.
  if ((await requests.leaderEnd()) < fence) throw new HistoryUnavailable('behind', requests.stream)
  await Promise.all(
    subjects.map(async (subject) => {
      const last = await requests.leaderLast(subject)
      if (last !== null) found.set(subject, { offset: last.offset, time: last.time })
    }),
  )
}

function chunksOf(subjects: readonly string[]): string[][] {
  const chunks: string[][] = []
  let chars = Number.POSITIVE_INFINITY
  for (const subject of subjects) {
    let chunk = chunks.at(-1)
    if (chunk === undefined || chunk.length >= CHUNK_SUBJECTS || chars + subject.length > CHUNK_CHARS) {
      chunk = []
      chunks.push(chunk)
      chars = 0
    }
    chunk.push(subject)
    chars += subject.length
  }
  return chunks
}
