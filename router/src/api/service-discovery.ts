// Discovery and statistics by the NATS services protocol, so that `nats micro ls` lists the routers. Its library is pinned to an
// old core of the client and would bring a second one; what is needed of it is three kinds of answers.
import { API_VERBS, type ApiVerb, type Subjects } from '@sluice/proto'
import { jsonBody, type NatsPort } from '@sluice/service/jetstream/port'

/** The name under which routers are listed. */
export const SERVICE_NAME = 'sluice'

/** What one verb has done. */
export interface EndpointStats {
  readonly requests: number
  readonly errors: number
  readonly lastError: string
  readonly processingMs: number
  /** An answer was sent. */
  record(tookMs: number, error: string | null): void
}

/** Statistics of a verb that has done nothing yet. */
export function createEndpointStats(): EndpointStats {
  const stats = { requests: 0, errors: 0, lastError: '', processingMs: 0 }
  return Object.assign(stats, {
    record(tookMs: number, error: string | null): void {
      stats.requests++
      stats.processingMs += tookMs
      if (error === null) return
      stats.errors++
      stats.lastError = error
    },
  })
}

/** See {@link serveDiscovery}. */
export interface DiscoveryOptions {
  readonly nats: NatsPort
  readonly subjects: Subjects
  /** Tells this router from the others. */
  readonly id: string
  readonly version: string
  /** ISO 8601. */
  readonly started: string
  readonly stats: ReadonlyMap<ApiVerb, EndpointStats>
}

const NANOSECONDS_PER_MS = 1e6

/** Begins to answer `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`, for all services, for ours, and for this one alone. */
export function serveDiscovery({ nats, subjects, id, version, started, stats }: DiscoveryOptions): { stop(): void } {
  const identity = { name: SERVICE_NAME, id, version, metadata: {} }
  const endpoint = (verb: ApiVerb) => ({ name: verb, subject: subjects.api(verb), queue_group: '' })
  const answers: Readonly<Record<string, () => object>> = {
    PING: () => ({ type: 'io.nats.micro.v1.ping_response', ...identity }),
    INFO: () => ({
      type: 'io.nats.micro.v1.info_response',
      ...identity,
      description: 'Presence of Sluice: who is in which room, and who is online.',
      endpoints: API_VERBS.map((verb) => ({ ...endpoint(verb), metadata: {} })),
    }),
    STATS: () => ({
      type: 'io.nats.micro.v1.stats_response',
      ...identity,
      started,
      endpoints: API_VERBS.map((verb) => ({ ...endpoint(verb), ...statsOf(stats.get(verb)) })),
    }),
  }
  const subscriptions = Object.entries(answers).flatMap(([kind, answer]) =>
    [`$SRV.${kind}`, `$SRV.${kind}.${SERVICE_NAME}`, `$SRV.${kind}.${SERVICE_NAME}.${id}`].map((subject) =>
      nats.subscribe(subject, ({ reply }) => {
        if (reply !== undefined && reply !== '') nats.publish(reply, jsonBody(answer()))
      }),
    ),
  )
  return {
    stop() {
      for (const subscription of subscriptions) subscription.unsubscribe()
    },
  }
}

function statsOf(stats: EndpointStats | undefined) {
  const { requests = 0, errors = 0, lastError = '', processingMs = 0 } = stats ?? {}
  const processing = Math.round(processingMs * NANOSECONDS_PER_MS)
  return {
    num_requests: requests,
    num_errors: errors,
    last_error: lastError,
    processing_time: processing,
    average_processing_time: requests === 0 ? 0 : Math.round(processing / requests),
  }
}
