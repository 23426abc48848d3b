// Reads the last state of every key that some filters fit, as far as it has changed since a revision: many filters in one question,
// fewer where the server says that too many keys fit. Knows no rooms.
import { type DirectGet, readBatch, type StoredMessage } from '@sluice/service/jetstream/direct-get'
import type { NatsPort } from '@sluice/service/jetstream/port'

/** See {@link readLastStates}. */
export interface LastStatesQuestion {
  readonly reads: NatsPort
  readonly stream: string
  /** The stream's last sequence, as its leader has told it: a replica that has not reached it is not believed. */
  readonly fence: number
  /** States with a lower revision are known. */
  readonly from: number
}

const BATCH = 1000
const BATCH_BYTES = 1024 * 1024

/** @throws Error where the read broke off or a replica lags behind; what was delivered until then is true all the same */
export async function readLastStates(
  question: LastStatesQuestion,
  filters: readonly string[],
  deliver: (message: StoredMessage) => void,
): Promise<void> {
  if ((await readPages(question, { multi_last: filters }, deliver)) === 'read') return
  const [only] = filters
  if (filters.length === 1 && only !== undefined) {
    const end = await readPages(question, { next_by_subj: only }, deliver)
    if (end === 'too-many') throw new Error(`a read of ${question.stream} broke off`)
    return
  }
  const half = Math.ceil(filters.length / 2)
  await readLastStates(question, filters.slice(0, half), deliver)
  await readLastStates(question, filters.slice(half), deliver)
}

async function readPages(
  { reads, stream, fence, from }: LastStatesQuestion,
  which: Pick<DirectGet, 'multi_last' | 'next_by_subj'>,
  deliver: (message: StoredMessage) => void,
): Promise<'read' | 'too-many'> {
  let next = from
  for (;;) {
    const end = await readBatch(
      reads,
      stream,
      { batch: BATCH, max_bytes: BATCH_BYTES, seq: next, ...which },
      (message) => {
        next = message.sequence + 1
        deliver(message)
      },
    )
    switch (end.kind) {
      case 'too-many':
        return 'too-many'
      case 'broken':
        throw new Error(`a read of ${stream} broke off`)
      case 'none':
        // A replica may be behind without a word; the next read covers the same span again.
        return 'read'
      case 'end':
        if (which.multi_last !== undefined && end.upTo < fence) throw new Error(`a replica of ${stream} lags behind`)
        if (end.pending === 0) return 'read'
    }
  }
}
