// What the streams of history are called, and which subjects they take and republish. Routers alone create and change them; gateways
// publish into them, hear what they republish, and read. Everything derives from the prefix.
import { DEFAULT_PREFIX, PREFIX_PATTERN } from '../subjects.ts'

/** One stream of history: all rooms of a namespace, or all inboxes. */
export interface HistoryStore {
  /** `SLUICE_HISTORY_chat`, `SLUICE_INBOX`. */
  readonly stream: string
  /** The subjects that it stores, and the source of its republishing: one token for the room or user, never more. */
  readonly source: string
  /** The destination of its republishing. */
  readonly destination: string
}

/** The streams of an installation. */
export interface HistoryStores {
  room(namespace: string): HistoryStore
  readonly inbox: HistoryStore
}

/** The metadata of a stream that a router writes anew when the stream has lost its end; part of the epoch. */
export const GENERATION_METADATA = 'sluice_generation'

/** Within it a stream knows a `Nats-Msg-Id` again, in seconds; retries of a publish end before. */
export const DEDUP_SECONDS = 120

/**
 * Names the streams. They carry the prefix in upper case, as streams do: prefixes that differ in case alone would share them.
 *
 * @param prefix - matches `PREFIX_PATTERN`; asserted, as the configuration has checked it before
 */
export function createHistoryStores(prefix: string = DEFAULT_PREFIX): HistoryStores {
  if (!PREFIX_PATTERN.test(prefix)) throw new RangeError(`prefix must match ${PREFIX_PATTERN}: ${prefix}`)
  const upper = prefix.toUpperCase()
  return {
    // The mapping of republish: {{wildcard(1)}} is the one token behind.
    room: (namespace) => ({
      stream: `${upper}_HISTORY_${namespace}`,
      source: `${prefix}.pub.room.${namespace}.*`,
      destination: `${prefix}.live.room.${namespace}.{{wildcard(1)}}`,
    }),
    inbox: {
      stream: `${upper}_INBOX`,
      source: `${prefix}.pub.user.*`,
      destination: `${prefix}.live.user.{{wildcard(1)}}`,
    },
  }
}
