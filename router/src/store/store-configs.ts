// What the buckets of presence and the stream of events are, as the server is told to make them. Data and one pure decision; who
// asks the server is create-stores.ts.
import { firstRevision, type PresenceStores } from '@sluice/proto'

/**
 * Counts the changes of the settings below, in the metadata of each stream: a router of an older release must not turn them back.
 */
export const CONFIG_VERSION = 1

/** A stream's settings in the server's own words. Durations in nanoseconds. */
export type StreamConfig = { readonly name: string; readonly metadata: Readonly<Record<string, string>> } & Readonly<
  Record<string, unknown>
>

/** What an operator can choose. */
export interface StoreOptions {
  /** Copies of each stream: 1, or 3 in a cluster. */
  readonly replicas: number
  /** How long events are kept. */
  readonly eventsSeconds: number
  /** What all events may take on disk, in bytes. */
  readonly eventsBytesMax: number
  /** How long it is kept that tokens are revoked. */
  readonly revokedSeconds: number
}

const SECOND = 1_000_000_000

/** Leases are renewed every 2 s: an hour only cleans up what nobody owns any more. */
const LEASE_SECONDS = 3600
/** Within it a `Nats-Msg-Id` is recognised: both owners of a shard publish the same event within seconds of each other. */
const DEDUP_SECONDS = 120

/** Users and tokens that are revoked at once. Gateways hold them all; more than that are refused. */
const REVOCATIONS_MAX = 1_000_000

/** The settings of all of them. */
export function storeConfigs(stores: PresenceStores, options: StoreOptions, nowMs: number): StreamConfig[] {
  const bucket = ({ stream, source, destination }: PresenceStores['leases'], ageSeconds: number): StreamConfig => ({
    name: stream,
    subjects: [source],
    retention: 'limits',
    storage: 'file',
    num_replicas: options.replicas,
    max_msgs_per_subject: 1,
    max_age: ageSeconds * SECOND,
    discard: 'new',
    duplicate_window: Math.min(ageSeconds === 0 ? DEDUP_SECONDS : ageSeconds, DEDUP_SECONDS) * SECOND,
    deny_delete: true,
    allow_rollup_hdrs: true,
    allow_direct: true,
    allow_msg_ttl: true,
    republish: { src: source, dest: destination },
    first_seq: firstRevision(nowMs),
    metadata: { sluice_config: `${CONFIG_VERSION}` },
  })
  return [
    bucket(stores.leases, LEASE_SECONDS),
    bucket(stores.entries, 0),
    { ...bucket(stores.revoked, options.revokedSeconds), max_msgs: REVOCATIONS_MAX },
    {
      name: stores.events.stream,
      subjects: [stores.events.subjects],
      retention: 'limits',
      storage: 'file',
      num_replicas: options.replicas,
      max_age: options.eventsSeconds * SECOND,
      max_bytes: options.eventsBytesMax,
      discard: 'old',
      duplicate_window: Math.min(DEDUP_SECONDS, options.eventsSeconds) * SECOND,
      allow_direct: true,
      metadata: { sluice_config: `${CONFIG_VERSION}` },
    },
  ]
}

/**
 * What to do with a stream that is there.
 *
 * @param present - its settings as the server tells them
 * @returns the settings to update it with, or null if it stays as it is: it is right, or of a newer release
 */
export function storeUpdate(wanted: StreamConfig, present: Readonly<Record<string, unknown>>): StreamConfig | null {
  if (configVersionOf(present) > configVersionOf(wanted)) return null
  if (settingsThatDiffer(wanted, present).length === 0) return null
  // Where a stream begins is settled when it is made.
  const { first_seq: _, metadata, ...settings } = wanted
  return { ...present, ...settings, name: wanted.name, metadata: { ...metadataOf(present), ...metadata } }
}

/** The settings, by the server's names, of which the server's value does not say what ours does. */
export function settingsThatDiffer(
  wanted: StreamConfig,
  present: Readonly<Record<string, unknown>>,
): readonly string[] {
  const { first_seq: _, ...settings } = wanted
  return Object.entries(settings).flatMap(([name, value]) => (covers(present[name], value) ? [] : [name]))
}

/** The integer `sluice_config` in the metadata of a stream; 0 without. */
export function configVersionOf(settings: Readonly<Record<string, unknown>>): number {
  return Number(metadataOf(settings).sluice_config ?? 0)
}

/** The metadata of a stream. */
export function metadataOf(settings: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return (settings.metadata ?? {}) as Readonly<Record<string, string>>
}

/** Whether the server's value says what ours does: it adds fields of its own, and leaves out zeros and what is off. */
function covers(present: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return present === wanted || (!present && !wanted)
  if (typeof present !== 'object' || present === null) return false
  if (Array.isArray(wanted) && wanted.length !== (present as unknown[]).length) return false
  return Object.entries(wanted).every(([name, value]) => covers((present as Record<string, unknown>)[name], value))
}
