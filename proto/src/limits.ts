// The limits of the protocol: defaults, bounds, and the relations between them. A gateway's configuration may change each
// within its bounds; `welcome.limits` tells the client what holds.

interface Bound {
  readonly default: number
  readonly min: number
  readonly max: number
}

const KiB = 1024
const MiB = 1024 * KiB

/**
 * Room for what a frame and a NATS message carry beside the payload: names of 128 bytes as tokens of 384 characters in
 * subject and headers, event, session, JSON field names.
 */
export const ENVELOPE_BYTES_MAX = 4 * KiB

/** Every limit with its default and the bounds that a configuration must keep. Sizes in bytes, durations in milliseconds. */
export const LIMITS = {
  /** A frame from a client; a larger one closes the socket with 1009. */
  frameBytesMax: { default: 64 * KiB, min: KiB, max: 8 * MiB },
  /**
   * A room's or user's name in UTF-8. 128 bytes make a token of 384 characters, the longest that was seen to work in a KV key;
   * 32 hold the name of an anonymous user.
   */
  nameBytesMax: { default: 128, min: 32, max: 128 },
  /** Rooms that one connection may be in. */
  roomsMax: { default: 128, min: 1, max: 10_000 },
  /** Requests of one connection that wait for their answer; the gateway stops reading when it is reached. */
  requestsInFlightMax: { default: 64, min: 1, max: 1024 },
  /** Refill of the bucket of publish, send and call. */
  publishesPerSecond: { default: 50, min: 1, max: 100_000 },
  /** Size of the bucket of publish, send and call. */
  publishBurst: { default: 100, min: 1, max: 200_000 },
  /** Refill of the bucket of all other frames; its size is the greater of this and roomsMax, so all rooms can be joined at once. */
  requestsPerSecond: { default: 50, min: 1, max: 100_000 },
  /** What may wait for one connection; more closes it with 4008. */
  queueBytesMax: { default: MiB, min: 64 * KiB, max: 64 * MiB },
  /** A payload from NATS; a larger one is dropped and counted. */
  payloadBytesMax: { default: 256 * KiB, min: KiB, max: 8 * MiB },
  /** A connection that was silent for this long is pinged. */
  heartbeatMs: { default: 25_000, min: 1000, max: 600_000 },
  /** A connection that was silent for this long is closed with 4009. */
  silenceMs: { default: 60_000, min: 2000, max: 1_800_000 },
} as const satisfies Record<string, Bound>

/** The name of a limit. */
export type LimitName = keyof typeof LIMITS

/** A value for each limit, as the configuration gives them and `welcome.limits` tells them. */
export type Limits = { readonly [name in LimitName]: number }

/** The limits of an installation that configures none. */
export const DEFAULT_LIMITS: Limits = Object.freeze(
  Object.fromEntries(Object.entries(LIMITS).map(([name, bound]) => [name, bound.default])) as unknown as Limits,
)

/** An `id` of a request that is text has at most this many characters. */
export const ID_CHARS_MAX = 32

/** A publish key has at most this many characters. */
export const KEY_CHARS_MAX = 128

/** A method of `call` has at most this many characters. */
export const METHOD_CHARS_MAX = 128

/** How long a `call` waits for its answer where its frame does not say, in milliseconds. */
export const CALL_WAIT_MS = 10_000

/** How long a `call` waits at most, whatever its frame says. */
export const CALL_WAIT_MS_MAX = 60_000

/** Characters of what a service says for people: the message of an error, the reason of a refusal. More is cut off. */
export const REASON_CHARS_MAX = 256

/** The body of a service's error, which becomes `details`; a larger one is left out. */
export const DETAILS_BYTES_MAX = 4 * KiB

/** An epoch, which a client gives back as it got it, has at most this many characters. */
export const EPOCH_CHARS_MAX = 64

/** Messages that one `history`, or the `history` of a `join`, may ask for. */
export const HISTORY_LIMIT_MAX = 1000

/**
 * Arrays and objects that may be nested within each other in `data`; a bare value has none. Deep enough for documents, and
 * within what the JSON parsers of PHP (512), Python (about 1000) and Java's Jackson (1000) read by default.
 */
export const DATA_DEPTH_MAX = 256

/** Malformed frames in a row that close a socket with 4000. */
export const MALFORMED_FRAMES_MAX = 10

/** Refusals within {@link RATE_REFUSALS_WINDOW_MS} that close a socket with 4029. */
export const RATE_REFUSALS_MAX = 100

/** See {@link RATE_REFUSALS_MAX}. */
export const RATE_REFUSALS_WINDOW_MS = 10_000

/** A token longer than this is refused unread. */
export const TOKEN_BYTES_MAX = 8 * KiB

/** A `jti`, by which services name a token: a UUID has 36 bytes, a SHA-512 in hex has 128. */
export const TOKEN_ID_BYTES_MAX = 256

/** The `info` of a token's grants, as JSON in UTF-8. */
export const INFO_BYTES_MAX = 256

/** The reason in a close frame: a control frame holds 125 bytes, two of them the code (RFC 6455, 5.5). */
export const CLOSE_REASON_BYTES_MAX = 123

/**
 * The relations that the limits must keep among themselves.
 *
 * @returns a sentence for each relation that does not hold, naming both limits; empty if all hold
 */
export function brokenRelations(limits: Limits): string[] {
  const broken: string[] = []
  const need = (holds: boolean, sentence: string): void => {
    if (!holds) broken.push(sentence)
  }
  need(
    limits.silenceMs >= 2 * limits.heartbeatMs,
    'silenceMs must be at least twice heartbeatMs, so that a ping can be answered',
  )
  need(limits.publishBurst >= limits.publishesPerSecond, 'publishBurst must not be below publishesPerSecond')
  need(
    limits.payloadBytesMax >= limits.frameBytesMax,
    'payloadBytesMax must not be below frameBytesMax, or what a client may send is dropped',
  )
  // A payload of bytes grows by a third as base64 in a JSON frame.
  need(
    limits.queueBytesMax >= 2 * limits.payloadBytesMax,
    'queueBytesMax must be at least twice payloadBytesMax, so that one message never makes a slow consumer',
  )
  return broken
}
