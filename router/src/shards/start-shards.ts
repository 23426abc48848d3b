// Builds the shards of a router: what follows them, what they are made of, and whom they tell. Nothing is held before the first
// judgement.
import type { Bucket, Instance } from '@sluice/proto'
import type { Clock } from '@sluice/service/clock'
import type { NatsPort } from '@sluice/service/jetstream/port'
import type { Logger } from '@sluice/service/log'
import type { Throttle } from '@sluice/service/throttle'
import type { Counters } from '../metrics/counters.ts'
import { createRoomShard, type RoomShard, type RoomStep } from './room-shard.ts'
import { createShardFeed, type ShardFeed } from './shard-feed.ts'
import { createShardSet, type ShardSet } from './shard-set.ts'
import { createUserShard, type UserShard, type UserStep } from './user-shard.ts'

/** See {@link startShards}. */
export interface StartShardsOptions {
  readonly data: NatsPort
  readonly reads: NatsPort
  readonly entries: Bucket
  readonly countsAs: (instance: Instance) => Instance | null
  readonly clock: Clock
  readonly log: Logger
  readonly throttle: Throttle
  readonly counters: Counters
  readonly onRoomStep: (step: RoomStep) => void
  readonly onUserStep: (step: UserStep) => void
  readonly onLoaded: (shard: RoomShard | UserShard, covered: boolean) => void
  readonly onDoubt: (shard: RoomShard | UserShard) => void
}

/** Running shards. */
export interface RunningShards {
  readonly set: ShardSet
  readonly feed: ShardFeed
  /** The worst lag of a copy since this was asked last; null if none has come. */
  takeLagMs(): number | null
  stop(): void
}

/** Entries of a bucket that was lost count until gateways have written them anew, or this has passed: they look every 5 s. */
const SETTLE_MS = 20_000

/** Builds them. */
export function startShards(options: StartShardsOptions): RunningShards {
  const { clock, log, throttle, counters, countsAs } = options
  let lagMs: number | null = null
  let settling: NodeJS.Timeout | undefined
  const onSkipped = (why: 'newer' | 'malformed'): void => counters.skipped.add(why)

  const feed = createShardFeed({
    nats: options.data,
    reads: options.reads,
    entries: options.entries,
    onCopy: (storedAt) => {
      const ms = clock.now() - Date.parse(storedAt)
      if (Number.isFinite(ms)) lagMs = Math.max(lagMs ?? 0, ms)
    },
    nowMs: clock.monotonicMs,
    onStartOver: (why) => {
      if (why === 'another') log.warn({}, 'the bucket of presence is another; gateways write it anew')
      else log.warn({}, 'the bucket of presence was out of sight for too long; it is read anew')
      for (const shard of set.held) shard.startOver()
      clearTimeout(settling)
      settling = setTimeout(() => {
        for (const shard of set.held) shard.settle()
      }, SETTLE_MS)
    },
    onFault: (error) => {
      if (throttle('entries') !== null) log.warn({ reason: error.message }, 'entries could not be read; it is repeated')
    },
  })

  const set = createShardSet({
    feed: {
      follow: (shard) =>
        feed.follow({
          ...shard,
          onEntry: (key, value, revision) => {
            counters.entries++
            shard.onEntry(key, value, revision)
          },
        }),
    },
    createRoomShard: (shard) => createRoomShard({ shard, countsAs, onStep: options.onRoomStep, onSkipped }),
    createUserShard: (shard) => createUserShard({ shard, countsAs, onStep: options.onUserStep, onSkipped }),
    nowMs: clock.monotonicMs,
    onLoaded: options.onLoaded,
    onDoubt: options.onDoubt,
  })

  return {
    set,
    feed,
    takeLagMs() {
      const worst = lagMs
      lagMs = null
      return worst
    },
    stop() {
      clearTimeout(settling)
      set.stop()
      feed.stop()
    },
  }
}
