// Announces this gateway to the cluster: its lease, and under the lease's instance the entries of its rooms and users. Not announced
// until the buckets are there and everything is written; announces all anew for a new instance or a new bucket. Who is in which
// room is the callers'.
import type { Instance, LeaseState, LivenessChange, PresenceStores } from '@sluice/proto'
import { type Fleet, joinFleet } from '@sluice/service/jetstream/fleet'
import { writeKey } from '@sluice/service/jetstream/key-write'
import type { NatsPort } from '@sluice/service/jetstream/port'
import type { Logger } from '@sluice/service/log'
import type { Throttle } from '@sluice/service/throttle'
import type { Counters } from '../metrics/counters.ts'
import { watchBucket } from './bucket-watch.ts'
import type { EntryGroup } from './entry-group.ts'
import { createEntryWriter, type EntryWriter } from './entry-writer.ts'

/** See {@link createAnnouncer}. */
export interface AnnouncerOptions {
  /** The connection of leases and control. */
  readonly control: NatsPort
  /** The connection that writes entries. */
  readonly data: NatsPort
  readonly reads: NatsPort
  readonly stores: PresenceStores
  /** What the lease says of this process. */
  readonly describe: Parameters<typeof joinFleet>[0]['describe']
  readonly newInstance: () => Instance
  readonly nowMs: () => number
  readonly log: Logger
  readonly throttle: Throttle
  readonly counters: Counters
  /** All entries of this gateway. */
  readonly groups: () => Iterable<EntryGroup>
  /** All of a group is stored. */
  readonly onStored: (group: EntryGroup) => void
  /** Leases have begun, ended, or changed their state. */
  readonly onChange: (change: LivenessChange) => void
}

/** A gateway in the fleet. */
export interface Announcer {
  readonly fleet: Fleet
  readonly writer: EntryWriter
  /** Whether the buckets are there, our lease is held and everything is written; it stays so once it was. */
  readonly announced: boolean
  /** Our connections are back, one of them or all. */
  reconnected(): void
  /** Says in the lease that this process is leaving. */
  drain(): Promise<void>
  /** Ends the lease. */
  leave(): Promise<void>
}

/** What stands between a start and an announced gateway. */
interface Progress {
  bucket: boolean
  leases: boolean
  /** Everything is written under the present instance. */
  written: boolean
  draining: boolean
  announced: boolean
}

/** Begins to announce. */
export function createAnnouncer(options: AnnouncerOptions): Announcer {
  const { control, data, reads, stores, nowMs, log, throttle, counters, groups } = options
  const progress: Progress = { bucket: false, leases: false, written: false, draining: false, announced: false }

  const writer = createEntryWriter({
    write: (key, value) => writeKey(data, { subject: stores.entries.subject(key), value: encoded(value) }),
    canWrite: () => data.connected,
    nowMs,
    counters,
    onRestarted: () => {
      progress.written = true
      announce()
    },
    onStored: options.onStored,
    onFault: (reason) => {
      // The bucket may be gone.
      bucket.check()
      if (throttle('presence write') !== null) log.warn({ reason }, 'a write of presence failed; it is repeated')
    },
  })

  function restart(instance: Instance): void {
    progress.written = false
    writer.restart(instance, groups())
  }

  function announce(): void {
    if (!progress.bucket || !progress.leases || !progress.written) return
    const { instance } = fleet
    void fleet.setState(stateOf(progress)).then(() => {
      if (progress.announced || fleet.instance !== instance || fleet.renewedAt === null) return
      progress.announced = true
      log.info({ instance }, 'presence is announced')
    })
  }

  const fleet = joinFleet({
    control,
    reads,
    leases: stores.leases,
    tier: 'gateway',
    verdict: 'judged',
    describe: options.describe,
    newInstance: options.newInstance,
    nowMs,
    onChange: options.onChange,
    onLoaded: () => {
      progress.leases = true
      announce()
    },
    onStartOver: () => log.warn({}, 'the bucket of leases is another'),
    onLost: (lost, next) => {
      counters.presenceLeasesLost++
      log.warn({ lost, next }, 'the lease was lost; announcing everything under a new instance')
      restart(next)
      // At once, so that others see that the new instance adopts the old one.
      void fleet.setState(progress.draining ? 'draining' : 'announcing')
    },
    onSkipped: (why) => counters.presenceSkipped.add(why),
    onRetry: (reason) => retried(options, progress, reason),
  })

  const bucket = watchBucket({
    nats: data,
    stream: stores.entries.stream,
    onNew: () => {
      if (progress.bucket) log.warn({}, 'the bucket of presence is another; writing everything again')
      progress.bucket = true
      restart(fleet.instance)
    },
    onFault: (reason) => retried(options, progress, reason),
  })

  return {
    fleet,
    writer,
    get announced() {
      return progress.announced
    },
    reconnected() {
      void fleet.reconnected()
      bucket.check()
      writer.resume()
    },
    async drain() {
      progress.draining = true
      if (progress.announced) await fleet.setState('draining')
    },
    async leave() {
      bucket.stop()
      writer.stop()
      await fleet.leave()
    },
  }
}

const encoder = new TextEncoder()

function encoded(value: string | null): Uint8Array | null {
  return value === null ? null : encoder.encode(value)
}

function stateOf({ draining }: Progress): Exclude<LeaseState, 'dead'> {
  return draining ? 'draining' : 'up'
}

function retried({ log, throttle }: AnnouncerOptions, { announced }: Progress, reason: string): void {
  const kind = announced ? 'presence retry' : 'presence wait'
  if (throttle(kind) === null) return
  if (announced) log.warn({ reason }, 'a look at the buckets of presence failed; it is repeated')
  else log.info({ reason }, 'waiting for the buckets that routers make')
}
