// What follows from a change of a view: events for backends, and the limit of connections. Only for shards that are loaded, as
// before that a change is what was there already.
import { createSubjects, type Instance, type ShardScope, type UserName, userShard } from '@sluice/proto'
import type { Clock } from '@sluice/service/clock'
import type { Logger } from '@sluice/service/log'
import type { Throttle } from '@sluice/service/throttle'
import type { RouterConfig } from './config/router-config.ts'
import { memberEvents, resyncEvent, sessionEvents } from './events/event-of.ts'
import { createEventPublisher, type EventPublisher } from './events/publisher.ts'
import { createUserLimiter, type UserLimiter } from './limit/user-limiter.ts'
import type { Links } from './links.ts'
import type { Counters } from './metrics/counters.ts'
import type { LeaseBook } from './shards/lease-book.ts'
import type { RoomShard, RoomStep } from './shards/room-shard.ts'
import type { ShardSet } from './shards/shard-set.ts'
import type { UserShard, UserStep } from './shards/user-shard.ts'

/** See {@link createFollowUps}. */
export interface FollowUpOptions {
  readonly config: RouterConfig
  readonly links: Links
  readonly clock: Clock
  readonly log: Logger
  readonly counters: Counters
  readonly throttle: Throttle
  /** Asked when something changes: they are built after this. */
  readonly shards: () => ShardSet
  readonly book: () => LeaseBook
  readonly draining: () => ReadonlySet<Instance>
}

/** Where views tell their changes. */
export interface FollowUps {
  onRoomStep(step: RoomStep): void
  onUserStep(step: UserStep): void
  /** A shard is loaded, and whether others have told of it until now. */
  onLoaded(shard: RoomShard | UserShard, covered: boolean): void
  /** Events of a shard may be missing. */
  resync(shard: RoomShard | UserShard): void
  readonly publisher: EventPublisher
  readonly limiter: UserLimiter
}

/** Makes them. */
export function createFollowUps(options: FollowUpOptions): FollowUps {
  const { config, links, clock, log, counters, throttle, shards, book } = options
  const subjects = createSubjects(config.nats.prefix)
  const context = () => ({ gatewayOf: book().gatewayOf, now: clock.now() })

  const publisher = createEventPublisher({
    nats: links.data,
    subjects,
    counters,
    onRetry: (reason) => {
      if (throttle('event') !== null) log.warn({ reason }, 'an event was not acknowledged; it is sent again')
    },
    resyncOf: (scope, shard) => resyncEvent(scope, shard, revisionOf(scope, shard), clock.now()),
  })
  const limiter = createUserLimiter({
    nats: links.control,
    subjects,
    sessionsOf: (user: UserName) => shards().user(userShard(user))?.view.sessionsOf(user) ?? [],
    connectionsMax: config.accept.userConnectionsMax,
    close: config.accept.userConnectionsClose,
    draining: options.draining,
    counters,
  })

  function revisionOf(scope: ShardScope, shard: number): number {
    return (scope === 'room' ? shards().room(shard) : shards().user(shard))?.revision ?? 0
  }

  function resync({ scope, shard, revision }: RoomShard | UserShard): void {
    publisher.publish(scope, shard, [resyncEvent(scope, shard, revision, clock.now())])
  }

  return {
    publisher,
    limiter,
    resync,
    onRoomStep(step) {
      if (shards().room(step.shard) !== null) publisher.publish('room', step.shard, memberEvents(step, context()))
    },
    onUserStep(step) {
      if (shards().user(step.shard) === null) return
      publisher.publish('user', step.shard, sessionEvents(step, context()))
      for (const { kind, user } of step.changes) if (kind === 'connected') limiter.check(user)
    },
    onLoaded(shard, covered) {
      if (!covered) resync(shard)
      if (shard.scope === 'user' && 'view' in shard) for (const [user] of shard.view.users) limiter.check(user)
    },
  }
}
