// What this router answers on NATS: the verbs of the API to services, their discovery, and its part where another router gathers. On
// the connection of followers: what was written before a request was sent has come before the request.
import { API_VERBS, type ApiVerb, createPresenceStores, createSubjects } from '@sluice/proto'
import type { Clock } from '@sluice/service/clock'
import { createStoredPublish } from '@sluice/service/jetstream/stored-publish'
import type { Logger } from '@sluice/service/log'
import { createRequestMemory, REQUEST_MEMORY } from '@sluice/service/request-memory'
import { revoke } from './acts/revoke.ts'
import { createEndpointStats, type EndpointStats } from './api/endpoint-stats.ts'
import { serveApi } from './api/endpoints.ts'
import { serveGathering } from './api/gather.ts'
import type { Known } from './api/known.ts'
import { serveDiscovery } from './api/service-discovery.ts'
import type { RouterConfig } from './config/router-config.ts'
import type { Links } from './links.ts'
import { BUILD } from './metrics/build.ts'
import type { Counters } from './metrics/counters.ts'

/** See {@link createServices}. */
export interface ServicesOptions {
  readonly prefix: string
  /** What holds now: namespaces may change while the router runs. */
  readonly settings: () => RouterConfig
  readonly links: Pick<Links, 'data'>
  readonly known: Known
  /** Of this process, for as long as it runs. */
  readonly id: string
  readonly clock: Clock
  readonly log: Logger
  readonly counters: Counters
}

/** A service waits some seconds for an answer, and asks again. */
const STORE_MS = 4000

/** What is answered. */
export interface Services {
  readonly stats: ReadonlyMap<ApiVerb, EndpointStats>
  /** Begins to answer services; other routers are answered from the start. */
  open(): void
  stop(): void
}

/** Makes them; other routers are answered from now on. */
export function createServices(options: ServicesOptions): Services {
  const { prefix, links, known, id, clock, log, counters } = options
  const nats = links.data
  const subjects = createSubjects(prefix)
  const stats = new Map(API_VERBS.map((verb) => [verb, createEndpointStats()]))
  const onSkipped = (why: 'newer' | 'malformed'): void => counters.skipped.add(why)
  const gathering = { nats, subjects, known, onSkipped }
  const running = [serveGathering(gathering)]
  return {
    stats,
    open() {
      const started = new Date(clock.now()).toISOString()
      running.push(
        serveApi({
          ...gathering,
          settings: options.settings,
          memory: createRequestMemory(REQUEST_MEMORY),
          revoke: (target, notBefore) =>
            revoke(target, notBefore, {
              nats,
              bucket: createPresenceStores(prefix).revoked,
              until: clock.now() + options.settings().router.revokedSeconds * 1000,
            }),
          store: createStoredPublish({
            link: nats,
            nowMs: clock.monotonicMs,
            onRetry: () => undefined,
            giveUpMs: STORE_MS,
          }),
          nowMs: clock.monotonicMs,
          stats,
          onFault: (err, verb) => log.error({ err, verb }, 'fault while answering a service'),
        }),
        serveDiscovery({ nats, subjects, name: prefix, id, version: BUILD.version, started, stats }),
      )
    },
    stop() {
      for (const one of running) one.stop()
    },
  }
}
