// What readers of histories ask of NATS: any server that holds the stream, in turn and bounded, and its leader, which alone can say
// that something is not there. One scope for each read carries its deadline. Decides nothing about what the answers mean.
import { setTimeout as wait } from 'node:timers/promises'
import type { DirectGet } from './direct-get.ts'
import { type Batch, readHistoryBatch } from './history-batch.ts'
import { type LeaderMessage, messageOfLeader, type ReadMessage } from './history-message.ts'
import type { HistoryQueue } from './history-queue.ts'
import { HistoryUnavailable } from './history-unavailable.ts'
import { jsonBody, type NatsPort } from './port.ts'

/** What is counted: questions by their kind, reads that another one answered, and answers that were no use. */
export type ReadKind = 'lasts' | 'forward' | 'probe' | 'leader' | 'shared' | 'stale' | 'failed'

/** Counters of the caller. */
export interface ReadCounters {
  reads(kind: ReadKind): void
}

/** One read's questions to one stream. Each throws {@link HistoryUnavailable} where it can't be asked, or not within the deadline. */
export interface HistoryRequests {
  readonly stream: string
  /** A direct get of any server, which may lag behind. */
  batch(kind: 'lasts' | 'forward' | 'probe', question: DirectGet): Promise<Batch>
  /** The leader's first message of a subject at or above a sequence; null if there is none. */
  leaderNext(subject: string, from: number): Promise<ReadMessage | null>
  /** The leader's last message of a subject; null if there is none. */
  leaderLast(subject: string): Promise<ReadMessage | null>
  /** The leader's last sequence. */
  leaderEnd(): Promise<number>
  /** Counts an answer that has to be asked for again, and waits a little longer each time. */
  again(kind: 'stale' | 'failed', tries: number): Promise<void>
}

/** See {@link createHistoryRequests}. */
export interface HistoryRequestsOptions {
  readonly stream: string
  readonly nats: NatsPort
  readonly leader: NatsPort
  readonly queue: HistoryQueue
  readonly counters: ReadCounters
  readonly deadline: AbortSignal
}

/** Direct gets that are tried before the leader is asked. A follower lags some milliseconds. */
export const TRIES_MAX = 4
const PAUSE_MS = 4
/** A question put while nobody leads is never answered, so a short wait is asked again. */
const LEADER_WAIT_MS = 1500
const LEADER_TRIES = 4
/** The server's `JSNoMessageFoundErr` and `JSStreamNotFoundErr`. */
const NO_MESSAGE_FOUND = 10_037
const STREAM_NOT_FOUND = 10_059

/** Makes the questions of one read. */
export function createHistoryRequests(options: HistoryRequestsOptions): HistoryRequests {
  const { stream, nats, leader, queue, counters, deadline } = options

  /** Runs a question in its turn. */
  async function inTurn<answer>(link: NatsPort, ask: () => Promise<answer>): Promise<answer> {
    if (!link.connected) throw new HistoryUnavailable('away', stream)
    if (deadline.aborted) throw new HistoryUnavailable('no-answer', stream)
    const answer = await queue.run(async () => ({ is: await ask() }), deadline)
    if (answer === null) throw new HistoryUnavailable(deadline.aborted ? 'no-answer' : 'overrun', stream)
    return answer.is
  }

  async function askLeader(verb: string, question: object): Promise<LeaderAnswer> {
    const subject = `$JS.API.${verb}.${stream}`
    for (let tries = 1; ; tries++) {
      counters.reads('leader')
      const answer = await inTurn(leader, () => answerOf(leader, subject, question))
      if (typeof answer !== 'string') return answer
      if (tries >= LEADER_TRIES) throw new HistoryUnavailable('no-answer', stream, answer)
      await wait(PAUSE_MS << tries)
    }
  }

  async function leaderMessage(question: object): Promise<ReadMessage | null> {
    const { message, error } = await askLeader('STREAM.MSG.GET', question)
    if (error?.err_code === NO_MESSAGE_FOUND) return null
    return messageOfLeader(orThrow(message, error, stream))
  }

  return {
    stream,
    async batch(kind, question) {
      counters.reads(kind)
      const batch = await inTurn(nats, () => readHistoryBatch(nats, stream, question))
      if (batch.kind === 'failed' && batch.why === 'away') throw new HistoryUnavailable('away', stream)
      return batch
    },
    leaderNext: (subject, from) => leaderMessage({ seq: Math.max(1, from), next_by_subj: subject }),
    leaderLast: (subject) => leaderMessage({ last_by_subj: subject }),
    async leaderEnd() {
      const { state, error } = await askLeader('STREAM.INFO', {})
      return orThrow(state, error, stream).last_seq
    },
    async again(kind, tries) {
      counters.reads(kind)
      await wait(PAUSE_MS << tries)
    },
  }
}

interface LeaderAnswer {
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string }
  readonly message?: LeaderMessage
  readonly state?: { readonly last_seq: number }
}

/** The answer, or why there is none: nobody answered, or who did knows no leader. */
async function answerOf(leader: NatsPort, subject: string, question: object): Promise<LeaderAnswer | string> {
  try {
    const message = await leader.request(subject, jsonBody(question), { timeoutMs: LEADER_WAIT_MS })
    const answer = message.json<LeaderAnswer>()
    return answer.error?.code === 503 ? (answer.error.description ?? 'no leader') : answer
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function orThrow<part>(part: part | undefined, error: LeaderAnswer['error'], stream: string): part {
  if (part !== undefined) return part
  const reason = error?.err_code === STREAM_NOT_FOUND ? 'no-stream' : 'no-answer'
  throw new HistoryUnavailable(reason, stream, error?.description)
}
