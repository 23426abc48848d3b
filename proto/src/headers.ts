// The headers of a message on NATS. Names are case-sensitive; values of names and sessions are encoded as tokens, since
// NATS clients trim and merge raw values. What a client sends becomes one of these only after it was checked.

/** `[A-Za-z0-9_.-]`, at most 64 characters. */
export const HEADER_EVENT = 'Sluice-Event'

/** The publishing user, as a token. A service may set it: permissions, not headers, decide trust. */
export const HEADER_FROM = 'Sluice-From'

/** The publishing connection, as a token. */
export const HEADER_SESSION = 'Sluice-Session'

/** A connection that the message is not delivered to, as a token. */
export const HEADER_EXCLUDE_SESSION = 'Sluice-Exclude-Session'

/** A user whose connections the message is not delivered to, as a token. */
export const HEADER_EXCLUDE_USER = 'Sluice-Exclude-User'

/** The key that a publisher gave to its message, as it was given. */
export const HEADER_KEY = 'Sluice-Key'

/** The claims of the token of whoever calls, as JSON in ASCII; absent for anonymous users. */
export const HEADER_CLAIMS = 'Sluice-Claims'

/** How long the caller waits for the answer, in milliseconds from when the call was sent. */
export const HEADER_DEADLINE_MS = 'Sluice-Deadline-Ms'

/** The trace that a message or a call belongs to (W3C Trace Context), and in it the span that sent it. */
export const HEADER_TRACE_PARENT = 'traceparent'

/** A trace parent of version 00: trace, span, flags. Neither id is all zeros. */
export const TRACE_PARENT_PATTERN = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** By it a gateway knows a live message that it has delivered already: both owners of a shard publish what a service asks for. */
export const HEADER_REQUEST = 'Sluice-Request'

/** Asks each gateway to tell to how many connections it was delivered: {@link RECEIPT_ID_PATTERN}, the end of a subject of receipts. */
export const HEADER_RECEIPT = 'Sluice-Receipt'

/** By it a stream knows a message that it has stored already. */
export const HEADER_MESSAGE_ID = 'Nats-Msg-Id'

/**
 * What a stream tells of a message beside it, in a read and on a republished copy. Only the last value of each counts: a
 * publisher's own headers of these names pass through in front of the real ones.
 */
export const STREAM_HEADERS = {
  /** The sequence in the stream: the offset. */
  sequence: 'Nats-Sequence',
  /** On a copy the sequence of the subject's message before it, 0 for none. */
  lastSequence: 'Nats-Last-Sequence',
  /** When it was stored, RFC 3339 with nanoseconds. */
  time: 'Nats-Time-Stamp',
  /** The subject under which it is stored. */
  subject: 'Nats-Subject',
} as const

/** Tells bytes from JSON; absent means JSON. */
export const HEADER_CONTENT_TYPE = 'Content-Type'

/** The content type of a payload that is delivered as bytes. */
export const CONTENT_TYPE_BYTES = 'application/octet-stream'

/** The content type of JSON, which may also be left out. */
export const CONTENT_TYPE_JSON = 'application/json'

/** What an event's name may be. It becomes a header, so it can hold no CR, LF or space. */
export const EVENT_PATTERN = /^[A-Za-z0-9_.-]{1,64}$/

/** What a key may be. It becomes a header as it is, whose ends NATS clients trim: no control characters, no lone surrogates, no white space at its ends. */
export const KEY_PATTERN = /^(?!\s)[^\p{Cc}\p{Cs}]+(?<!\s)$/u

/** What asks for a receipt: one token, so that an answer goes nowhere but to a subject of receipts. */
export const RECEIPT_ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/
