// What the streams of history are, as the server is told to make them: one for each namespace with history, one for inboxes. Data
// from the configuration; what is done with a stream that is there is decided in stream-change.ts.
import {
  createHistoryStores,
  DEDUP_SECONDS,
  ENVELOPE_BYTES_MAX,
  type HistorySettings,
  type HistoryStore,
} from '@sluice/proto'
import type { RouterConfig } from '../config/router-config.ts'
import type { StreamConfig } from '../store/store-configs.ts'

/** Counts the changes of the settings below: a router of an older release must not turn them back. */
export const HISTORY_CONFIG_VERSION = 1

/** What the streams follow from. */
export type HistoryConfig = Pick<RouterConfig, 'nats' | 'namespaces' | 'inbox' | 'router' | 'limits'>

/** The server's unit of time. */
export const SECOND = 1_000_000_000

/** Services may send headers of their own: traces, baggage. */
const HEADER_BYTES_MAX = 4 * ENVELOPE_BYTES_MAX

/** The settings of all streams that the configuration asks for, by name. */
export function historyConfigs(config: HistoryConfig): ReadonlyMap<string, StreamConfig> {
  const stores = createHistoryStores(config.nats.prefix)
  const streams = new Map<string, StreamConfig>()
  const add = (store: HistoryStore, history: HistorySettings | false): void => {
    if (history !== false) streams.set(store.stream, streamOf(store, history, config))
  }
  for (const [namespace, { history }] of Object.entries(config.namespaces)) add(stores.room(namespace), history)
  add(stores.inbox, config.inbox.history)
  return streams
}

function streamOf(
  { stream, source, destination }: HistoryStore,
  { messages, seconds }: HistorySettings,
  { router, limits }: HistoryConfig,
): StreamConfig {
  return {
    name: stream,
    subjects: [source],
    retention: 'limits',
    storage: 'file',
    num_replicas: router.replicas,
    max_msgs_per_subject: messages,
    max_age: seconds * SECOND,
    // No bound on the whole stream: that a quiet room loses nothing to a busy one is part of what `recovered` is concluded from.
    max_msgs: -1,
    max_bytes: -1,
    // What no gateway delivers is refused at once, where its publisher hears of it.
    max_msg_size: limits.payloadBytesMax + HEADER_BYTES_MAX,
    discard: 'old',
    // The server refuses a window that is longer than messages are kept.
    duplicate_window: Math.min(seconds, DEDUP_SECONDS) * SECOND,
    allow_direct: true,
    // By a header of a message a publisher could empty a room, or let a message go before its time.
    allow_rollup_hdrs: false,
    allow_msg_ttl: false,
    no_ack: false,
    republish: { src: source, dest: destination },
    metadata: { sluice_config: `${HISTORY_CONFIG_VERSION}` },
  }
}
