// The one error that the library's promises reject with. Its codes are those of the protocol's table and a few of the client's
// own; nothing is ever told apart by the text of a message.

/** What can go wrong: the protocol's error codes first, then what only a client can say. */
export type SluiceErrorCode =
  | 'bad_request'
  | 'unauthorized'
  | 'forbidden'
  | 'unknown_namespace'
  | 'not_enabled'
  | 'not_joined'
  | 'already_joined'
  | 'not_found'
  | 'room_limit'
  | 'too_large'
  | 'rate_limited'
  | 'no_service'
  | 'service_error'
  | 'timeout'
  | 'unsupported'
  | 'unavailable'
  | 'internal'
  /** The client was closed, by `close()` or by a close code that means stop. */
  | 'closed'
  /** The connection was lost before the answer: whether it was done is not known, and it cannot be asked again safely. */
  | 'lost'
  /** The queue of what waits for a connection is full. */
  | 'queue_full'
  /** A loop over messages has fallen behind by more than its bound. */
  | 'overflow'

/** What an error may carry beside its code. */
export interface SluiceErrorFields {
  readonly retryAfterMs?: number | undefined
  readonly details?: unknown
  readonly cause?: unknown
}

/** The codes that this release knows; the key is the code. Held against the protocol's table by a test. */
export const SLUICE_ERROR_CODES: Readonly<Record<SluiceErrorCode, true>> = {
  bad_request: true,
  unauthorized: true,
  forbidden: true,
  unknown_namespace: true,
  not_enabled: true,
  not_joined: true,
  already_joined: true,
  not_found: true,
  room_limit: true,
  too_large: true,
  rate_limited: true,
  no_service: true,
  service_error: true,
  timeout: true,
  unsupported: true,
  unavailable: true,
  internal: true,
  closed: true,
  lost: true,
  queue_full: true,
  overflow: true,
}

/** Why a request failed. */
export class SluiceError extends Error {
  override readonly name = 'SluiceError'
  readonly code: SluiceErrorCode
  /** When it may work again, in milliseconds from the answer; told with `rate_limited` and `unavailable`. */
  readonly retryAfterMs: number | undefined
  /** A service's own words, with `service_error`. */
  readonly details: unknown

  constructor(code: SluiceErrorCode, message: string, { retryAfterMs, details, cause }: SluiceErrorFields = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.retryAfterMs = retryAfterMs
    this.details = details
  }
}
