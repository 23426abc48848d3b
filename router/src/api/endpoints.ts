// The verbs on NATS: every router hears every request, and those that hold the shard answer, so that a frozen one delays nobody. Bad
// input gets a typed error; a fault of ours gets `internal` and is logged.
import {
  API_VERBS,
  type ApiVerb,
  apiErrorNumber,
  encodeApiError,
  HEADER_SERVICE_ERROR,
  HEADER_SERVICE_ERROR_CODE,
  isApiAct,
} from '@sluice/proto'
import { type ActMessage, type ActOptions, actOn } from '../acts/acts.ts'
import type { ApiReply } from './api-reply.ts'
import type { EndpointStats } from './endpoint-stats.ts'
import { answerTo, type VerbOptions } from './verbs.ts'

/** See {@link serveApi}. */
export interface ApiOptions extends VerbOptions, ActOptions {
  readonly nats: VerbOptions['nats'] & ActOptions['nats']
  readonly stats: ReadonlyMap<ApiVerb, EndpointStats>
  readonly onFault: (error: unknown, verb: ApiVerb) => void
}

/** Requests that may wait for a load, a revision or others at once. */
const PENDING_MAX = 10_000

/** Begins to answer. */
export function serveApi(options: ApiOptions): { stop(): void } {
  const { nats, subjects, stats, onFault, nowMs } = options
  let pending = 0

  async function answer(verb: ApiVerb, message: ActMessage): Promise<ApiReply> {
    if (pending >= PENDING_MAX) return { code: 'rate_limited', message: 'too many requests wait for their answer' }
    pending++
    try {
      return await (isApiAct(verb) ? actOn(verb, message, options) : answerTo(verb, message.data, options))
    } catch (error) {
      onFault(error, verb)
      return { code: 'internal', message: 'a fault of the router' }
    } finally {
      pending--
    }
  }

  const subscriptions = API_VERBS.map((verb) =>
    nats.subscribe(subjects.api(verb), (message) => {
      const { reply } = message
      if (reply === undefined || reply === '') return
      const startedMs = nowMs()
      void answer(verb, message).then((answered) => {
        if (answered === null) return
        stats.get(verb)?.record(nowMs() - startedMs, 'code' in answered ? answered : null)
        respond(options, reply, answered)
      })
    }),
  )
  return {
    stop() {
      for (const subscription of subscriptions) subscription.unsubscribe()
    },
  }
}

function respond({ nats }: ApiOptions, reply: string, answer: NonNullable<ApiReply>): void {
  if ('body' in answer) {
    nats.publish(reply, encoder.encode(JSON.stringify(answer.body)))
    return
  }
  nats.publish(reply, encoder.encode(encodeApiError(answer)), [
    [HEADER_SERVICE_ERROR_CODE, `${apiErrorNumber(answer.code)}`],
    [HEADER_SERVICE_ERROR, answer.message],
  ])
}

const encoder = new TextEncoder()
