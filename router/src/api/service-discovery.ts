// Discovery and statistics by the NATS services protocol, so that `nats micro ls` lists the routers. Its library is pinned to an
// old core of the client and would bring a second one; what is needed of it is three kinds of answers.
import { API_VERBS, type ApiVerb, type Subjects } from '@sluice/proto'
import { jsonBody, type NatsPort } from '@sluice/service/jetstream/port'
import type { EndpointStats } from './endpoint-stats.ts'

/** See {@link serveDiscovery}. */
export interface DiscoveryOptions {
  readonly nats: Pick<NatsPort, 'subscribe' | 'publish'>
  readonly subjects: Subjects
  /** Of the service: the prefix, so that two installations on one account can be told apart. */
  readonly name: string
  /** Tells this process from the others. */
  readonly id: string
  /** Three numbers, as the protocol demands. */
  readonly version: string
  /** ISO 8601. */
  readonly started: string
  readonly stats: ReadonlyMap<ApiVerb, EndpointStats>
}

const NANOSECONDS_PER_MS = 1e6

/** Begins to answer `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`: for all services, for ours, and for this one alone. */
export function serveDiscovery(options: DiscoveryOptions): { stop(): void } {
  const { nats, subjects, name, id, version, started, stats } = options
  const identity = { name, id, version, metadata: {} }
  // Without a queue group: every router hears every request.
  const endpoint = (verb: ApiVerb) => ({ name: verb, subject: subjects.api(verb), queue_group: '', metadata: {} })
  const answers: Readonly<Record<string, () => object>> = {
    PING: () => ({ type: 'io.nats.micro.v1.ping_response', ...identity }),
    INFO: () => ({
      type: 'io.nats.micro.v1.info_response',
      ...identity,
      description: 'Presence of Sluice: who is in which room, and who is online.',
      endpoints: API_VERBS.map(endpoint),
    }),
    STATS: () => ({
      type: 'io.nats.micro.v1.stats_response',
      ...identity,
      started,
      endpoints: API_VERBS.map((verb) => ({ ...endpoint(verb), ...statsOf(stats.get(verb)) })),
    }),
  }
  const subscriptions = Object.entries(answers).flatMap(([kind, answer]) =>
    [`$SRV.${kind}`, `$SRV.${kind}.${name}`, `$SRV.${kind}.${name}.${id}`].map((subject) =>
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
  const requests = stats?.requests ?? 0
  const processing = Math.round((stats?.processingMs ?? 0) * NANOSECONDS_PER_MS)
  return {
    num_requests: requests,
    num_errors: requests - (stats?.results.get('ok') ?? 0),
    last_error: stats?.lastError ?? '',
    processing_time: processing,
    average_processing_time: requests === 0 ? 0 : Math.round(processing / requests),
  }
}
