// The state of a history as its leader tells it: what readers judge positions by. Who has subscribed before on the same connection
// knows by the answer that the leader has heard of it. Never cached here.
import { createHash } from 'node:crypto'
import { GENERATION_METADATA } from '@sluice/proto'
import { HistoryUnavailable } from './history-unavailable.ts'
import { jsonBody, type NatsPort } from './port.ts'

/** `STREAM.INFO` as readers of a history need it. */
export interface HistoryState {
  /** Digest of `created` and `generation`, 22 of `[A-Za-z0-9_-]`: another one is another history. */
  readonly epoch: string
  /** When the stream was made, as the server tells it. */
  readonly created: string
  /** What routers wrote when the stream had lost its end; empty without. */
  readonly generation: string
  /** Of all subjects together: the first sequence that is kept, or one above the last where none is. */
  readonly firstSequence: number
  readonly lastSequence: number
  /** When the message at `lastSequence` was stored: Unix time in milliseconds; `now` where there was none yet. */
  readonly lastTime: number
  /** The leader's time of the answer: Unix time in milliseconds. */
  readonly now: number
  /** Messages kept of each subject; Infinity for no bound. */
  readonly messagesPerSubject: number
  /** How long a message is kept, in milliseconds; Infinity for ever. */
  readonly ageMs: number
  /** The name of the server that leads; null where none is told. */
  readonly leader: string | null
}

/** How long a leader may take by default. A question put while nobody leads is never answered, and is worth asking again. */
const INFO_WAIT_MS = 5000

/**
 * Asks the leader.
 *
 * @returns null if there is no such stream
 * @throws HistoryUnavailable where nobody answers in time
 */
export async function historyState(
  nats: NatsPort,
  stream: string,
  waitMs: number = INFO_WAIT_MS,
): Promise<HistoryState | null> {
  const answer = await ask(nats, stream, waitMs)
  if (answer.error?.err_code === STREAM_NOT_FOUND) return null
  const { config, state, created = '' } = answer
  if (state === undefined) throw new HistoryUnavailable('no-answer', stream, answer.error?.description)
  const now = Date.parse(answer.ts ?? '')
  const generation = config?.metadata?.[GENERATION_METADATA] ?? ''
  return {
    epoch: epochOf(created, generation),
    created,
    generation,
    firstSequence: state.first_seq,
    lastSequence: state.last_seq,
    lastTime: state.last_seq > 0 ? Date.parse(state.last_ts ?? '') : now,
    now,
    messagesPerSubject: orInfinity(config?.max_msgs_per_subject),
    ageMs: orInfinity(config?.max_age) / NANOSECONDS,
    leader: answer.cluster?.leader ?? null,
  }
}

/** The epoch of a stream; routers that change its generation know the new one by it. */
export function epochOf(created: string, generation: string): string {
  return createHash('sha256').update(`${created}\n${generation}`).digest('base64url').slice(0, EPOCH_CHARS)
}

const EPOCH_CHARS = 22
const NANOSECONDS = 1_000_000
/** The server's `JSStreamNotFoundErr`. */
const STREAM_NOT_FOUND = 10_059

interface InfoAnswer {
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string }
  readonly created?: string
  readonly ts?: string
  readonly config?: {
    readonly metadata?: Readonly<Record<string, string>>
    readonly max_msgs_per_subject?: number
    readonly max_age?: number
  }
  readonly state?: { readonly first_seq: number; readonly last_seq: number; readonly last_ts?: string }
  readonly cluster?: { readonly leader?: string }
}

async function ask(nats: NatsPort, stream: string, waitMs: number): Promise<InfoAnswer> {
  if (!nats.connected) throw new HistoryUnavailable('away', stream)
  try {
    const message = await nats.request(`$JS.API.STREAM.INFO.${stream}`, jsonBody({}), { timeoutMs: waitMs })
    return message.json<InfoAnswer>()
  } catch (error) {
    throw new HistoryUnavailable('no-answer', stream, error instanceof Error ? error.message : String(error))
  }
}

/** The server writes no bound as 0, -1 or not at all. */
function orInfinity(bound = 0): number {
  return bound > 0 ? bound : Number.POSITIVE_INFINITY
}
