// Reads histories for whoever needs them: bounded in flight, in waiting and in time, and one read for all who ask the same at the
// same time. Keeps nothing. The rules of each kind of read are in history-lasts.ts, history-forward.ts and history-backward.ts.
import { readBackward } from './history-backward.ts'
import { readForward } from './history-forward.ts'
import { type Last, readLasts } from './history-lasts.ts'
import { chain, type HistoryPage } from './history-message.ts'
import { createHistoryQueue } from './history-queue.ts'
import { createHistoryRequests, type HistoryRequests, type ReadCounters } from './history-requests.ts'
import type { NatsPort } from './port.ts'

/** See {@link HistoryReader.forward}. */
export interface ForwardQuestion {
  readonly stream: string
  /** As the stream stores it; may be a wildcard. */
  readonly subject: string
  /** Inclusive. */
  readonly from: number
  /** A sequence of the subject that must be reached unless the leader says that it is gone; 0 for none. */
  readonly upTo: number
  /** At least 1. */
  readonly messagesMax: number
}

/** See {@link HistoryReader.backward}. */
export interface BackwardQuestion {
  readonly stream: string
  /** As the stream stores it; no wildcard. */
  readonly subject: string
  /** Exclusive; may lie above everything. */
  readonly before: number
  /** A sequence of the subject below `before` that must be reached unless the leader says that it is gone. Default 0, none. */
  readonly upTo?: number
  /** At least 1. */
  readonly messagesMax: number
}

/** Reads histories. Every read throws HistoryUnavailable where it can't be had, within {@link READ_WAIT_MS}. */
export interface HistoryReader {
  /**
   * The last message of each subject, at least as new as the fence.
   *
   * @param subjects - as the stream stores them, no wildcards
   * @param fence - the leader's last sequence, asked after whoever needs this has subscribed
   * @returns subjects of which nothing is kept are left out
   */
  lasts(stream: string, subjects: readonly string[], fence: number): Promise<ReadonlyMap<string, Last>>
  /**
   * Messages from a sequence on, at most `messagesMax` and about 1 MiB; `more` where these bounds ended it. The `prev` of the first
   * one of a subject is `from` − 1, and it is 0 only there where `from` is 1.
   *
   * @returns `following`: how many messages of the subject lie at or above `from`, at the end of the read; Infinity if unknown
   */
  forward(question: ForwardQuestion): Promise<HistoryPage & { readonly following: number }>
  /**
   * The last messages below a sequence, in ascending order, at most `messagesMax` and about 1 MiB; may be fewer while `more` are kept.
   * The `prev` of the first one is the message before it where that was seen, 0 where nothing older is kept, else its offset − 1.
   */
  backward(question: BackwardQuestion): Promise<HistoryPage>
}

/** See {@link createHistoryReader}. */
export interface HistoryReaderOptions {
  /** Direct gets: they run in the server's read loop of this connection. */
  readonly nats: NatsPort
  /** Questions to the leader; may be the same. */
  readonly leader: NatsPort
  readonly counters: ReadCounters
  /** Questions under way at a time. Default 8. */
  readonly inFlightMax?: number
  /** Questions that wait for their turn; who comes then is refused. Default 4096. */
  readonly waitingMax?: number
}

/** What one read may take, with every repetition; only what is being asked at that moment is still waited for. */
export const READ_WAIT_MS = 10_000

/** Makes a reader. */
export function createHistoryReader(options: HistoryReaderOptions): HistoryReader {
  const { nats, leader, counters, inFlightMax = 8, waitingMax = 4096 } = options
  const queue = createHistoryQueue({ inFlightMax, waitingMax })
  const flights = createFlights(counters)

  const requests = (stream: string): HistoryRequests =>
    createHistoryRequests({ stream, nats, leader, queue, counters, deadline: AbortSignal.timeout(READ_WAIT_MS) })

  async function forward(question: ForwardQuestion): Promise<ForwardAnswer> {
    const page = await readForward(requests(question.stream), question)
    return { ...page, messages: chain(page.messages, Math.max(0, question.from - 1)) }
  }

  return {
    lasts: (stream, subjects, fence) =>
      subjects.length === 0 ? Promise.resolve(new Map()) : readLasts(requests(stream), subjects, fence),
    forward: (question) => flights.join(question, () => forward(question)),
    async backward({ upTo = 0, ...question }) {
      const page = await readBackward(requests(question.stream), { ...question, upTo })
      return { messages: chain(page.messages, page.prev), more: page.more }
    },
  }
}

type ForwardAnswer = HistoryPage & { readonly following: number }

/** Forward reads that are under way: who asks for no more than one of them brings waits for that one. */
function createFlights(counters: ReadCounters) {
  const flights = new Map<string, { readonly question: ForwardQuestion; readonly answer: Promise<ForwardAnswer> }>()
  return {
    join(question: ForwardQuestion, start: () => Promise<ForwardAnswer>): Promise<ForwardAnswer> {
      const key = `${question.stream} ${question.subject} ${question.from}`
      const flight = flights.get(key)
      // Fewer messages than asked for would be no answer, and an end before what must be reached neither.
      if (flight?.question.messagesMax === question.messagesMax && flight.question.upTo >= question.upTo) {
        counters.reads('shared')
        return flight.answer
      }
      const answer = start().finally(() => {
        if (flights.get(key)?.answer === answer) flights.delete(key)
      })
      flights.set(key, { question, answer })
      return answer
    },
  }
}
