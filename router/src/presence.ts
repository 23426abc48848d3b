// The core of a router, built on three connections: stores, a place in the fleet, views, and what follows from their changes. The
// composition root puts the process around it.
import {
  API_VERBS,
  type ApiVerb,
  createPresenceStores,
  createSubjects,
  type EventCause,
  type GatewayId,
  type Instance,
  keyFilters,
  type LivenessChange,
  type PresenceStores,
  type Subjects,
  userShard,
} from '@sluice/proto'
import type { Clock } from '@sluice/service/clock'
import { type Follower, followBucket } from '@sluice/service/jetstream/bucket-follower'
import { type Fleet, joinFleet } from '@sluice/service/jetstream/fleet'
import type { Logger } from '@sluice/service/log'
import type { Throttle } from '@sluice/service/throttle'
import { serveApi } from './api/endpoints.ts'
import { createEndpointStats, type EndpointStats, serveDiscovery } from './api/service-discovery.ts'
import type { RouterConfig } from './config/router-config.ts'
import { memberEvents, sessionEvents } from './events/event-of.ts'
import { createEventPublisher, type EventPublisher } from './events/publisher.ts'
import { createUserLimiter } from './limit/user-limiter.ts'
import type { Links } from './links.ts'
import type { Counters } from './metrics/counters.ts'
import { createReaper } from './reap/reaper.ts'
import { createOwnership, type Ownership } from './views/ownership.ts'
import { createPresenceViews, type PresenceViews } from './views/presence-views.ts'

/** See {@link startPresence}. */
export interface PresenceOptions {
  readonly config: RouterConfig
  readonly links: Links
  readonly clock: Clock
  readonly log: Logger
  readonly counters: Counters
  readonly throttle: Throttle
  readonly newInstance: () => Instance
  readonly version: string
}

/** The core of a running router. */
export interface Presence {
  readonly fleet: Fleet
  readonly views: PresenceViews
  readonly ownership: Ownership
  readonly publisher: EventPublisher
  readonly stats: ReadonlyMap<ApiVerb, EndpointStats>
  /** Whether everything that was there at the start is known. */
  readonly loaded: boolean
  /** Looks for what a break may have lost. */
  check(): void
  /** Leaves: the others take over, then this one stops answering. */
  leave(drainMs: number): Promise<void>
}

/** Between two rounds of cleaning, and of looking at users over their limit. */
const REAP_MS = 1000
/** Entries of a bucket that was lost count until gateways have written them anew, or this has passed. */
const SETTLE_MS = 12_000

/** Starts it. The stores exist. */
export function startPresence(options: PresenceOptions): Presence {
  const { config, links, log, counters, throttle } = options
  const stores = createPresenceStores(config.nats.prefix)
  const subjects = createSubjects(config.nats.prefix)
  let ownership = createOwnership('', [])
  const fleet = join(options, stores, (change) => onFleet(change))
  const publisher = createEventPublisher({ nats: links.data, subjects, counters })
  const { views, limiter } = createViews(options, {
    stores,
    subjects,
    fleet,
    publisher,
    owns: (kind, shard) => ownership.owns(kind, shard),
  })

  function onFleet({ counting, routers }: LivenessChange): void {
    if (routers) ownership = createOwnership(fleet.instance, fleet.liveness.live('router'))
    if (counting.length > 0) views.recount(counting, causeOf(counting, fleet))
  }

  const entries = followEntries(options, stores, views)
  const reap = createReaper({
    nats: links.control,
    leases: stores.leases,
    entries: stores.entries,
    liveness: fleet.liveness,
    instances: () => views.instances,
    onPurged: (instance) => views.forget(instance),
    onFault: (error) => {
      if (throttle('reap') !== null)
        log.warn({ reason: error.message }, 'cleaning up after the dead failed; it is repeated')
    },
    counters,
  })
  const timer = setInterval(() => {
    if (!entries.loaded || !fleet.loaded) return
    if (fleet.renewedAt !== null && !announced) announce()
    void reap()
    limiter.recheck()
  }, REAP_MS)
  let announced = false
  function announce(): void {
    announced = true
    void fleet.setState('up')
  }

  const loaded = (): boolean => entries.loaded && fleet.loaded
  const services = answerServices(options, { subjects, views, fleet, ownership: () => ownership, loaded })

  return {
    fleet,
    views,
    get ownership() {
      return ownership
    },
    publisher,
    stats: services.stats,
    get loaded() {
      return loaded()
    },
    check() {
      void fleet.check()
      void entries.check()
    },
    async leave(drainMs) {
      await fleet.setState('draining')
      await new Promise((resolve) => setTimeout(resolve, drainMs))
      services.stop()
      clearInterval(timer)
      entries.stop()
      publisher.stop()
      await fleet.leave()
    },
  }
}

interface ServiceInputs {
  readonly subjects: Subjects
  readonly views: PresenceViews
  readonly fleet: Fleet
  readonly ownership: () => Ownership
  readonly loaded: () => boolean
}

function answerServices({ links, clock, log, version }: PresenceOptions, inputs: ServiceInputs) {
  const { subjects, views, fleet, ownership, loaded } = inputs
  const stats = new Map(API_VERBS.map((verb) => [verb, createEndpointStats()]))
  const api = serveApi({
    nats: links.data,
    subjects,
    known: { rooms: views.rooms, users: views.users, gateways: () => fleet.liveness.live('gateway') },
    ownership,
    ready: loaded,
    revision: () => views.revision,
    nowMs: clock.monotonicMs,
    stats,
    onFault: (err, verb) => log.error({ err, verb }, 'fault while answering a service'),
  })
  const started = new Date(clock.now()).toISOString()
  const discovery = serveDiscovery({ nats: links.data, subjects, id: fleet.instance, version, started, stats })
  return {
    stats,
    stop() {
      discovery.stop()
      api.stop()
    },
  }
}

function join(options: PresenceOptions, stores: PresenceStores, onChange: (change: LivenessChange) => void): Fleet {
  const { config, links, clock, log, counters, throttle } = options
  const fleet: Fleet = joinFleet({
    control: links.control,
    reads: links.reads,
    leases: stores.leases,
    tier: 'router',
    verdict: 'written',
    describe: () => ({ name: config.router.name, version: options.version }),
    newInstance: options.newInstance,
    nowMs: clock.monotonicMs,
    onChange,
    onLoaded: () => undefined,
    onStartOver: () => log.warn({}, 'the bucket of leases is another'),
    onLost: (lost, next) => {
      log.warn({ lost, next }, 'our lease was lost; going on under a new instance')
      // Everything is known already: there is nothing to announce.
      void fleet.setState('up')
    },
    onSkipped: (why) => counters.skipped.add(why),
    onRetry: (reason) => {
      if (throttle('lease') !== null) log.warn({ reason }, 'the lease could not be renewed or read; it is repeated')
    },
  })
  return fleet
}

interface ViewInputs {
  readonly stores: PresenceStores
  readonly subjects: Subjects
  readonly fleet: Fleet
  readonly publisher: EventPublisher
  readonly owns: Ownership['owns']
}

function createViews(
  { config, links, clock, counters }: PresenceOptions,
  { stores, subjects, fleet, publisher, owns }: ViewInputs,
) {
  const { liveness } = fleet
  const gatewayOf = (instance: Instance): GatewayId => {
    const lease = [...liveness.live('gateway'), ...liveness.reapable].find((live) => live.instance === instance)
    return lease?.value.gateway ?? (instance as GatewayId)
  }
  const contextOf = (cause: EventCause | null) => ({ gatewayOf, now: clock.now(), cause })
  const views = createPresenceViews(stores.entries, liveness.countsAs, {
    onMembers: ({ room, shard, view }, changes, before, cause) => {
      if (!owns('room', shard)) return
      publisher.publish(memberEvents(room.name, changes, { before, after: view.count }, contextOf(cause)))
    },
    onSessions: (changes, cause) => {
      const owned = changes.filter(({ user }) => owns('user', userShard(user)))
      publisher.publish(sessionEvents(owned, contextOf(cause)))
      for (const { kind, user } of owned) if (kind === 'connected') limiter.check(user)
    },
    onSkipped: (why) => counters.skipped.add(why),
  })
  const limiter = createUserLimiter({
    nats: links.control,
    subjects,
    users: views.users,
    connectionsMax: config.accept.userConnectionsMax,
    close: config.accept.userConnectionsClose,
    draining: () => liveness.draining,
    counters,
  })
  return { views, limiter }
}

function followEntries(
  { links, log, throttle }: PresenceOptions,
  { entries }: PresenceStores,
  views: PresenceViews,
): Follower {
  return followBucket({
    nats: links.data,
    reads: links.reads,
    stream: entries.stream,
    stored: entries.subject(keyFilters.all()),
    copies: entries.followed(keyFilters.all()),
    onEntry: views.onEntry,
    onStartOver: () => {
      log.warn({}, 'the bucket of presence is another; gateways write it anew')
      views.startOver()
      setTimeout(() => views.settle(), SETTLE_MS).unref()
    },
    onRead: () => undefined,
    onFault: (error) => {
      if (throttle('entries') !== null) log.warn({ reason: error.message }, 'entries could not be read; it is repeated')
    },
  })
}

/** The lease that made instances count or not: every owner names the same. */
function causeOf(instances: readonly Instance[], { liveness }: Fleet): EventCause | null {
  const leases = [...liveness.reapable, ...liveness.live('gateway')]
  const lease = leases.find(({ instance }) => instances.includes(instance))
  return lease === undefined ? null : { kind: 'lease', instance: lease.instance, revision: lease.revision }
}
