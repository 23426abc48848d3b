// The verbs on NATS: every router hears every request, and those that own the shard answer, so that a frozen one delays nobody.
// Bad input gets a typed error; a fault of ours gets `internal` and is logged.
import {
  API_REVISION_WAIT_MS,
  API_VERBS,
  type ApiVerb,
  apiErrorNumber,
  decodeApiRequest,
  type ErrorCode,
  encodeApiError,
  HEADER_SERVICE_ERROR,
  HEADER_SERVICE_ERROR_CODE,
  roomShard,
  type Subjects,
  userShard,
} from '@sluice/proto'
import type { NatsPort } from '@sluice/service/jetstream/port'
import type { Ownership } from '../views/ownership.ts'
import { countAnswer, gatewaysAnswer, type Known, presenceAnswer, roomOf, roomsAnswer, userAnswer } from './answers.ts'
import type { EndpointStats } from './service-discovery.ts'

/** See {@link serveApi}. */
export interface ApiOptions {
  readonly nats: NatsPort
  readonly subjects: Subjects
  readonly known: Known
  readonly ownership: () => Ownership
  /** Whether what this router knows is complete. Before it is, others answer, or nobody. */
  readonly ready: () => boolean
  /** The highest revision that the views have seen. */
  readonly revision: () => number
  readonly nowMs: () => number
  readonly stats: ReadonlyMap<ApiVerb, EndpointStats>
  readonly onFault: (error: unknown, verb: ApiVerb) => void
}

/** Between two looks at the revision that a request waits for. */
const REVISION_POLL_MS = 5

/** Begins to answer. */
export function serveApi(options: ApiOptions): { stop(): void } {
  const { nats, subjects, ready, stats, onFault, nowMs } = options
  const subscriptions = API_VERBS.map((verb) =>
    nats.subscribe(subjects.api(verb), (message) => {
      if (message.reply === undefined || message.reply === '' || !ready()) return
      const { reply, data } = message
      const startedMs = nowMs()
      void answerTo(verb, data, options)
        .catch((error: unknown): ApiFailure => {
          onFault(error, verb)
          return { code: 'internal', message: 'a fault of the router' }
        })
        .then((answer) => {
          if (answer === null) return
          stats.get(verb)?.record(nowMs() - startedMs, 'code' in answer ? answer.message : null)
          respond(nats, reply, answer)
        })
    }),
  )
  return {
    stop() {
      for (const subscription of subscriptions) subscription.unsubscribe()
    },
  }
}

interface ApiFailure {
  readonly code: ErrorCode
  readonly message: string
}

type ApiReply = { readonly body: object } | ApiFailure

/** Null where another router answers. */
async function answerTo(verb: ApiVerb, data: Uint8Array, options: ApiOptions): Promise<ApiReply | null> {
  const { known } = options
  switch (verb) {
    case 'presence': {
      const parsed = decodeApiRequest(verb, data)
      if (!parsed.ok) return malformed(parsed.message)
      if (!options.ownership().owns('room', roomShard(roomOf(parsed.request.room)))) return null
      if (!(await waitForRevision(parsed.request.revision ?? 0, options))) {
        return { code: 'unavailable', message: 'the revision asked for has not been seen yet' }
      }
      return { body: presenceAnswer(known, parsed.request) }
    }
    case 'count': {
      const parsed = decodeApiRequest(verb, data)
      return parsed.ok ? { body: countAnswer(known, parsed.request) } : malformed(parsed.message)
    }
    case 'rooms': {
      const parsed = decodeApiRequest(verb, data)
      return parsed.ok ? { body: roomsAnswer(known, parsed.request) } : malformed(parsed.message)
    }
    case 'user': {
      const parsed = decodeApiRequest(verb, data)
      if (!parsed.ok) return malformed(parsed.message)
      if (!options.ownership().owns('user', userShard(parsed.request.user))) return null
      return { body: userAnswer(known, parsed.request) }
    }
    case 'gateways':
      return { body: gatewaysAnswer(known) }
  }
}

function malformed(message: string): ApiFailure {
  return { code: 'bad_request', message }
}

async function waitForRevision(revision: number, { revision: seen, nowMs }: ApiOptions): Promise<boolean> {
  const until = nowMs() + API_REVISION_WAIT_MS
  while (seen() < revision) {
    if (nowMs() >= until) return false
    await new Promise((resolve) => setTimeout(resolve, REVISION_POLL_MS))
  }
  return true
}

function respond(nats: NatsPort, reply: string, answer: ApiReply): void {
  if ('body' in answer) {
    nats.publish(reply, encoder.encode(JSON.stringify(answer.body)))
    return
  }
  nats.publish(reply, encoder.encode(encodeApiError(answer)), [
    [HEADER_SERVICE_ERROR_CODE, `${apiErrorNumber(answer.code)}`],
    [HEADER_SERVICE_ERROR, answer.code],
  ])
}

const encoder = new TextEncoder()
