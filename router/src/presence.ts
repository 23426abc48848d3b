// The core of a router on its three connections: a place in the fleet, the shards that follow from it, and what follows from their
// changes. The composition root puts the process around it. The stores exist before it starts.
import { setTimeout as pause } from 'node:timers/promises'
import { createPresenceStores, createSubjects, type Instance, LEASE_RENEW_MS, type LivenessChange } from '@sluice/proto'
import type { Clock } from '@sluice/service/clock'
import { type Fleet, joinFleet } from '@sluice/service/jetstream/fleet'
import type { Logger } from '@sluice/service/log'
import type { Throttle } from '@sluice/service/throttle'
import type { Known } from './api/known.ts'
import type { RouterConfig } from './config/router-config.ts'
import { handOver } from './drain/hand-over.ts'
import { createFollowUps, type FollowUps } from './follow-ups.ts'
import type { LinkName, Links } from './links.ts'
import { BUILD } from './metrics/build.ts'
import type { Counters } from './metrics/counters.ts'
import { createReaper } from './reap/reaper.ts'
import { createRebalancer, leaderOf, loadsOf, type Rebalancer } from './rebalance/rebalancer.ts'
import { createServices, type Services } from './services.ts'
import { createLeaseBook } from './shards/lease-book.ts'
import type { LiveRouter } from './shards/ownership.ts'
import type { ShardSet } from './shards/shard-set.ts'
import { type RunningShards, startShards } from './shards/start-shards.ts'

/** See {@link startPresence}. */
export interface PresenceOptions {
  readonly config: RouterConfig
  /** What holds now. */
  readonly settings: () => RouterConfig
  readonly links: Links
  readonly clock: Clock
  readonly log: Logger
  readonly counters: Counters
  readonly throttle: Throttle
  /** Of this process, for as long as it runs. */
  readonly id: string
  readonly newInstance: () => Instance
}

/** The core of a running router. */
export interface Presence {
  readonly fleet: Fleet
  readonly shards: ShardSet
  readonly followUps: FollowUps
  readonly services: Services
  readonly rebalancer: Rebalancer
  /** Whether our lease was held and all our shards were loaded; it stays so once it was. */
  readonly started: boolean
  /** When the last stored renewal of our lease was sent, under whatever instance; null before the first. */
  readonly renewedAt: number | null
  /** The worst lag of a copy since this was asked last; null if none has come. */
  takeLagMs(): number | null
  /** A connection to NATS is away, or back. */
  away(link: LinkName): void
  back(): void
  /** Hands the shards over, then leaves. */
  drain(): Promise<void>
}

/** Between two looks at whom to declare dead: it adds to the time in which a crash is seen. */
const TICK_MS = 200
/** Ticks between two rounds of everything else. */
const ROUND_TICKS = 5
/** For events that are not acknowledged, of a drain's margin: the rest is for NATS itself. */
const EVENTS_SHARE = 0.5
const POLL_MS = 20

/** Starts it. */
export function startPresence(options: PresenceOptions): Presence {
  const { config, links, clock } = options
  let renewedAt: number | null = null

  const fleet = join(options, {
    onChange: (change) => onFleet(change),
    onLoaded: () => judge(),
    onLost: () => {
      teller.lost()
      judge()
    },
  })
  const book = createLeaseBook(fleet.liveness)
  const routers = (): LiveRouter[] =>
    fleet.liveness.live('router').map(({ instance, value }) => ({ instance, state: value.state }))
  const followUps = createFollowUps({
    ...options,
    shards: () => shards.set,
    book: () => book,
    draining: () => fleet.liveness.draining,
  })
  const shards = startShards({
    ...options,
    ...links,
    entries: createPresenceStores(config.nats.prefix).entries,
    countsAs: fleet.liveness.countsAs,
    onRoomStep: followUps.onRoomStep,
    onUserStep: followUps.onUserStep,
    onLoaded: (shard, covered) => {
      followUps.onLoaded(shard, covered)
      teller.tell()
    },
    onDoubt: followUps.resync,
  })
  const services = createServices({ ...options, prefix: config.nats.prefix, known: knownOf(fleet, shards) })
  const teller = createTeller(options, fleet, shards.set, services)
  const reap = reaperOf(options, fleet, shards)
  const rebalancer = rebalancerOf(options, fleet, routers)

  function onFleet(change: LivenessChange): void {
    const cause = book.note(change)
    if (change.counting.length > 0) for (const shard of shards.set.held) shard.recount(change.counting, cause)
    if (change.routers) judge()
  }

  function judge(): void {
    if (!fleet.loaded) return
    shards.set.judge(fleet.instance, routers())
    teller.tell()
  }

  const stopTicking = startTicking((round) => {
    renewedAt = fleet.renewedAt ?? renewedAt
    if (fleet.loaded && (round || fleet.liveness.silent.length > 0)) void reap()
    if (!round) return
    teller.tell()
    shards.set.release()
    followUps.limiter.recheck()
    rebalancer.tick()
  })

  return {
    fleet,
    shards: shards.set,
    followUps,
    services,
    rebalancer,
    get started() {
      return teller.started
    },
    get renewedAt() {
      return fleet.renewedAt ?? renewedAt
    },
    takeLagMs: shards.takeLagMs,
    away(link) {
      if (link === 'data') shards.feed.missed()
    },
    back() {
      void fleet.reconnected()
      shards.feed.check()
    },
    async drain() {
      await leave(options, { fleet, shards, followUps, services, routers, nowMs: clock.monotonicMs })
      stopTicking()
    },
  }
}

/** @param tick - told whether it is time for everything that is done once a second */
function startTicking(tick: (round: boolean) => void): () => void {
  let ticks = 0
  const timer = setInterval(() => tick(++ticks % ROUND_TICKS === 0), TICK_MS)
  return () => clearInterval(timer)
}

/** Tells in our lease whether all that we own is loaded, and opens the services when it is for the first time. */
function createTeller({ log }: PresenceOptions, fleet: Fleet, shards: ShardSet, services: Services) {
  let said: 'announcing' | 'up' = 'announcing'
  let started = false
  return {
    get started() {
      return started
    },
    lost() {
      said = 'announcing'
    },
    tell() {
      if (shards.draining) return
      const state = shards.allLoaded ? 'up' : 'announcing'
      if (state !== said) {
        said = state
        void fleet.setState(state)
      }
      if (started || said !== 'up' || fleet.renewedAt === null) return
      started = true
      services.open()
      const { instance } = fleet
      log.info({ instance, roomShards: shards.owned('room'), userShards: shards.owned('user') }, 'routing')
    },
  }
}

interface Running {
  readonly fleet: Fleet
  readonly shards: RunningShards
  readonly followUps: FollowUps
  readonly services: Services
  readonly routers: () => readonly LiveRouter[]
  readonly nowMs: () => number
}

async function leave({ config, links, log }: PresenceOptions, running: Running): Promise<void> {
  const { fleet, shards, followUps, services, routers, nowMs } = running
  const { drainMs, drainMarginMs } = config.router
  shards.set.draining = true
  if (links.control.connected) {
    await fleet.setState('draining')
    const outcome = await handOver({ routers, nowMs, pause, waitMs: drainMs })
    log.info({ outcome }, 'the shards are handed over')
  }
  services.stop()
  shards.stop()
  const endsAt = nowMs() + drainMarginMs * EVENTS_SHARE
  while (links.data.connected && followUps.publisher.unacknowledged > 0 && nowMs() < endsAt) await pause(POLL_MS)
  followUps.publisher.stop()
  await fleet.leave()
}

function join(
  { config, links, clock, log, counters, throttle, newInstance }: PresenceOptions,
  on: {
    readonly onChange: (change: LivenessChange) => void
    readonly onLoaded: () => void
    readonly onLost: () => void
  },
): Fleet {
  return joinFleet({
    control: links.control,
    reads: links.reads,
    leases: createPresenceStores(config.nats.prefix).leases,
    tier: 'router',
    verdict: 'written',
    describe: () => ({ name: config.router.name, version: BUILD.version }),
    newInstance,
    nowMs: clock.monotonicMs,
    onChange: on.onChange,
    onLoaded: on.onLoaded,
    onStartOver: () => log.warn({}, 'the bucket of leases is another'),
    onLost: (lost, next) => {
      counters.leasesLost++
      log.warn({ lost, next }, 'our lease was lost; going on under a new instance')
      on.onLost()
    },
    onSkipped: (why) => counters.skipped.add(why),
    onRetry: (reason) => {
      if (throttle('lease') !== null) log.warn({ reason }, 'a lease could not be renewed or read; it is repeated')
    },
  })
}

function knownOf({ liveness }: Fleet, { set, feed }: RunningShards): Known {
  return {
    room: (shard) => set.room(shard),
    user: (shard) => set.user(shard),
    gateways: () => liveness.live('gateway'),
    holds: (scope, shard) => set.holds(scope, shard),
    get fresh() {
      return feed.fresh
    },
  }
}

function reaperOf(options: PresenceOptions, { liveness }: Fleet, { set }: RunningShards): () => Promise<void> {
  const { config, links, clock, log, counters, throttle } = options
  const { leases, entries } = createPresenceStores(config.nats.prefix)
  return createReaper({
    nats: links.control,
    leases,
    entries,
    liveness,
    shards: () => [...set.held].filter(({ scope, shard }) => set.isLoaded(scope, shard)),
    nowMs: clock.monotonicMs,
    onBuried: ({ key, value }) => log.warn({ lease: key, process: value.name }, 'a silent process was declared dead'),
    onFault: (error) => {
      if (throttle('reap') !== null)
        log.warn({ reason: error.message }, 'cleaning up after the dead failed; it is repeated')
    },
    counters,
  })
}

/** Without a renewal of ours for longer than this, what we know of the others may be old. */
const FRESH_MS = 2 * LEASE_RENEW_MS

function rebalancerOf(options: PresenceOptions, fleet: Fleet, routers: () => readonly LiveRouter[]): Rebalancer {
  const { config, links, clock, log, counters, throttle } = options
  const fresh = (): boolean => fleet.renewedAt !== null && clock.monotonicMs() - fleet.renewedAt <= FRESH_MS
  return createRebalancer({
    settings: config.router.rebalance,
    nats: links.control,
    subjects: createSubjects(config.nats.prefix),
    loads: () => loadsOf(fleet.liveness.live('gateway')),
    leads: () => links.control.connected && fresh() && leaderOf(routers()) === fleet.instance,
    nowMs: clock.monotonicMs,
    onRound: (round) => log.info(round, 'gateways are asked to move connections'),
    onBalanced: () => log.info({}, 'the gateways are in balance'),
    onFault: (error) => {
      if (throttle('rebalance') !== null) log.warn({ reason: error.message }, 'a gateway could not be asked to move')
    },
    counters,
  })
}
