// What the buckets and the stream of presence are called, and which subject a key has in them. Routers alone create and change
// them; gateways wait for them. Everything derives from the prefix, so two installations can share one account.
import { createSubjects, DEFAULT_PREFIX } from '../subjects.ts'
import { keyFilters } from './keys.ts'
import { ROOM_SHARDS } from './shards.ts'

/** The encoding of entries and the count of shards are part of a bucket's name: what changes them is a new bucket. */
export const PRESENCE_ENCODING = 1

/** A bucket as a process uses it. */
export interface Bucket {
  /** `sluice_lease`. */
  readonly name: string
  /** The stream beneath it: `KV_sluice_lease`. */
  readonly stream: string
  /** All of its keys as subjects: the stream's own, and the source of its republishing. */
  readonly source: string
  /** The destination of its republishing. */
  readonly destination: string
  /** The subject that writes a key, or that a filter of keys stands for in the stream. */
  subject(keyOrFilter: string): string
  /** The subject on which followers hear of a key, or of all that a filter fits. */
  followed(keyOrFilter: string): string
  /** The key of a subject of either form; null if it has neither. */
  keyOf(subject: string): string | null
}

/** The buckets and the stream of one installation. */
export interface PresenceStores {
  /** Leases: `sluice_lease`, followed on `sluice.lease.<key>`. */
  readonly leases: Bucket
  /** Entries of rooms and users: `sluice_presence_1_64`, followed on `sluice.presence.<key>`. */
  readonly entries: Bucket
  /** Tokens that are not let in any more: `sluice_revoked`, followed on `sluice.revoked.<key>`. */
  readonly revoked: Bucket
  readonly events: {
    /** `SLUICE_EVENTS`. Prefixes that differ in case alone would share it. */
    readonly stream: string
    /** `sluice.event.>`. */
    readonly subjects: string
  }
}

/**
 * Names the stores of an installation.
 *
 * @param prefix - matches `PREFIX_PATTERN`; asserted, as the configuration has checked it before
 */
export function createPresenceStores(prefix: string = DEFAULT_PREFIX): PresenceStores {
  const { lease, presence, revoked, events } = createSubjects(prefix)
  return {
    leases: createBucket(`${prefix}_lease`, lease),
    entries: createBucket(`${prefix}_presence_${PRESENCE_ENCODING}_${ROOM_SHARDS}`, presence),
    revoked: createBucket(`${prefix}_revoked`, revoked),
    events: { stream: `${prefix.toUpperCase()}_EVENTS`, subjects: events() },
  }
}

/**
 * The sequence with which a bucket begins (`first_seq`): above all that an earlier bucket of that name can have used, so that
 * revisions grow across buckets, and with them the revisions of events. It leaves room for a million writes a second over the whole
 * life of the earlier one, and stays below 2^53 until the year 2255.
 *
 * @param nowMs - Unix time at which the bucket is created
 */
export function firstRevision(nowMs: number): number {
  return nowMs * 1000
}

function createBucket(name: string, followed: (keyOrFilter: string) => string): Bucket {
  const subject = (keyOrFilter: string): string => `$KV.${name}.${keyOrFilter}`
  const prefixes = [followed(''), subject('')]
  return {
    name,
    stream: `KV_${name}`,
    source: subject(keyFilters.all()),
    destination: followed(keyFilters.all()),
    subject,
    followed,
    keyOf(subject) {
      const prefix = prefixes.find((prefix) => subject.startsWith(prefix))
      return prefix === undefined ? null : subject.slice(prefix.length)
    },
  }
}
