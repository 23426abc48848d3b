// The versions that the two sides of a socket agree on, and the names under which they are negotiated.

/** The major version of the client protocol: part of the subprotocol names and of `welcome`. It changes when old clients would break. */
export const PROTOCOL_VERSION = 1

/**
 * Counts every change of what stands on the wire: schemas of frames, code tables, limits, names of headers and subprotocols,
 * shapes of subjects. A test holds it against `vectors/fingerprints.json` and says what to do after a change.
 *
 * History, newest last:
 * - 1: connect, auth, join, leave, publish, send, ping. `call`, `presence` and `history` are in the schema and refused.
 * - 2: presence: `join` with `presence`, the request `presence`, `members`, `joined` and `left`; `features` names it.
 * - 3: history: `join` with `since` and `history`, inboxes, keys, the request `history`, positions on messages, `gap`; `features` names it.
 * - 4: services: `call` with its answers, what services are asked, `added` and `removed`, joins of `ns:*`; `features` names `call`, `rooms` and
 *   `wildcard`. `traceparent` on publish, send, call and messages.
 * - 5: `gap` for slow readers: reason `slow`, `missed`, and without `epoch` and `offset` where nothing stored was missed.
 */
export const SCHEMA_REVISION = 5

/** Text frames, one JSON object each. Used when a client offers no subprotocol. */
export const SUBPROTOCOL_JSON = 'sluice.v1.json'

/** Binary frames, one MessagePack map each. */
export const SUBPROTOCOL_MSGPACK = 'sluice.v1.msgpack'

/** The subprotocols that a gateway speaks, the preferred one first where a client has no preference. */
export type Subprotocol = typeof SUBPROTOCOL_JSON | typeof SUBPROTOCOL_MSGPACK

/** `bearer.<jwt>` beside a version entry carries a token where a browser can set no header; it is never selected. */
export const BEARER_SUBPROTOCOL_PREFIX = 'bearer.'

/**
 * Optional capabilities that `welcome.features` announces, so that a client can tell an old gateway from a refusal.
 */
export const FEATURES: readonly string[] = ['presence', 'history', 'call', 'rooms', 'wildcard']
