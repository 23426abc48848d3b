// Takes a parsed frame through what every request shares: the phase, the id, the rate, the lane, and exactly one answer.
// What a request does is its handler's. Step 2 of the message path.
import {
  type ClientFrameType,
  type ClientFrameWithPayload,
  RATE_REFUSALS_MAX,
  RATE_REFUSALS_WINDOW_MS,
  type RequestId,
} from '@sluice/proto'
import { appended } from '../short-list.ts'
import { type Answer, refusal } from './answer.ts'
import type { Connection } from './connection.ts'
import { isLive, judgeFrame } from './connection-state.ts'
import { createLanes, type LaneKey, type Started } from './lanes.ts'
import { type BucketRate, createBucket, refusedTooOften, take } from './rate-limit.ts'
import type { Wire } from './wire.ts'

/** A request that has found its lane. */
export interface Prepared {
  /** What it is about: requests with the same key are answered in order. */
  readonly key: LaneKey
  /** See {@link Lanes.run}. */
  readonly exclusive: boolean
  readonly start: () => Started<Answer>
}

/** Finds out what a frame is about, without doing it. */
export type Prepare = (connection: Connection, frame: ClientFrameWithPayload) => Prepared

/** See {@link createRequests}. */
export interface RequestsOptions {
  readonly wire: Wire
  readonly prepare: Prepare
  /** Signs in, or refreshes; the connection holds further frames until it settles. */
  readonly authenticate: (connection: Connection, token: string) => Promise<Answer>
  readonly publishRate: BucketRate
  readonly requestRate: BucketRate
  readonly nowMs: () => number
  readonly counters: { rateLimited: number; readonly publishFailures: { add(label: string): void } }
  /** An exception of ours while handling a request; the peer gets `internal`. */
  readonly onFault: (error: unknown, type: ClientFrameType) => void
  /** A connection is being closed for its rate. */
  readonly onRateClosed: (connection: Connection) => void
  /** A request was answered: there may be room for the next. */
  readonly onAnswered: (connection: Connection) => void
}

/** Handles one frame, to its answer. */
export type HandleRequest = (connection: Connection, frame: ClientFrameWithPayload) => void

/** `*` can begin no room's name, so no room shares the lane. */
const AUTH_LANE = '*auth'

const PUBLISHING: ReadonlySet<ClientFrameType> = new Set(['publish', 'send', 'call'])
const REFUSALS = { max: RATE_REFUSALS_MAX, windowMs: RATE_REFUSALS_WINDOW_MS }

function forgetId(connection: Connection, id: RequestId): void {
  const { ids } = connection
  ids?.splice(ids.indexOf(id), 1)
  if (ids?.length === 0) connection.ids = null
}

/** Makes the handling of requests, and of frames of unknown type, which only cost their rate. */
export function createRequests(options: RequestsOptions): {
  handle: HandleRequest
  /** Takes from the bucket of other frames; refuses, and closes with 4029 at too many refusals. */
  afford: (connection: Connection, id: RequestId | undefined) => boolean
} {
  const { wire, prepare, authenticate, nowMs, counters, onFault, onAnswered, onRateClosed } = options

  function takeFrom(connection: Connection, bucket: 'publishes' | 'requests'): number {
    const rate = bucket === 'publishes' ? options.publishRate : options.requestRate
    connection[bucket] ??= createBucket(rate, nowMs())
    return take(connection[bucket], rate, nowMs())
  }

  function rateRefusal(connection: Connection, type: ClientFrameType | 'unknown'): Answer | null {
    const publishing = type !== 'unknown' && PUBLISHING.has(type)
    const waitMs = takeFrom(connection, publishing ? 'publishes' : 'requests')
    if (waitMs === 0) return null
    counters.rateLimited++
    return { ok: false, code: 'rate_limited', message: 'too many requests', retryAfterMs: waitMs }
  }

  /** The close comes after the refusal was told, so that the peer learns why. */
  function tell(connection: Connection, id: RequestId | undefined, answer: Answer): void {
    wire.answer(connection, id, answer)
    if (answer.ok || answer.code !== 'rate_limited') return
    connection.refusals ??= { count: 0, since: nowMs() }
    if (!refusedTooOften(connection.refusals, nowMs(), REFUSALS)) return
    wire.close(connection, 4029, 'rate limited')
    onRateClosed(connection)
  }

  async function guarded<answer>(type: ClientFrameType, work: Promise<answer>): Promise<answer | Answer> {
    try {
      return await work
    } catch (error) {
      onFault(error, type)
      return refusal('internal', 'a fault of the gateway')
    }
  }

  function start(type: ClientFrameType, prepared: Prepared): Started<Answer> {
    try {
      const answer = prepared.start()
      return answer instanceof Promise ? guarded(type, answer) : answer
    } catch (error) {
      onFault(error, type)
      return refusal('internal', 'a fault of the gateway')
    }
  }

  function run(connection: Connection, { id, type }: ClientFrameWithPayload, prepared: Prepared): void {
    connection.inFlight++
    if (id !== undefined) connection.ids = connection.ids === null ? [id] : appended(connection.ids, id)
    connection.lanes ??= createLanes()
    connection.lanes.run(prepared.key, prepared.exclusive, prepared.start, (answer) => {
      connection.inFlight--
      if (id !== undefined) forgetId(connection, id)
      if (!answer.ok && PUBLISHING.has(type)) counters.publishFailures.add(answer.code)
      tell(connection, id, answer)
      if (isLive(connection.phase)) onAnswered(connection)
    })
  }

  function signIn(connection: Connection, frame: ClientFrameWithPayload & { type: 'auth' }): void {
    connection.authenticating = true
    const start = async (): Promise<Answer> => {
      const answer = await guarded('auth', authenticate(connection, frame.token))
      connection.authenticating = false
      return answer
    }
    run(connection, frame, { key: AUTH_LANE, exclusive: true, start })
  }

  return {
    afford(connection, id) {
      const refused = rateRefusal(connection, 'unknown')
      if (refused !== null) tell(connection, id, refused)
      return refused === null
    },
    handle(connection, frame) {
      const { id, type } = frame
      const verdict = judgeFrame(connection.phase, type === 'auth')
      if (verdict === 'ignore' || verdict === 'hold') return
      if (id !== undefined && connection.ids?.includes(id)) {
        wire.close(connection, 4000, 'id is in flight')
        return
      }
      const refused = rateRefusal(connection, type)
      if (verdict === 'unauthorized') {
        tell(connection, id, refused ?? refusal('unauthorized', 'sign in first'))
      } else if (frame.type === 'auth') {
        if (refused === null) signIn(connection, frame)
        else tell(connection, id, refused)
      } else if (frame.type === 'ping') {
        if (refused === null) wire.send(connection, { type: 'pong', ...(id === undefined ? {} : { id }) })
        else tell(connection, id, refused)
      } else {
        const prepared = prepare(connection, frame)
        run(connection, frame, { ...prepared, start: () => refused ?? start(type, prepared) })
      }
    },
  }
}
