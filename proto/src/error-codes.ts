// The error codes of requests: the whole table, in one place. PROTOCOL.md says the same in words; a test holds them together.

/** Every `code` that an `error` frame can carry, with what it means to the one who asked. */
export const ERROR_CODES = {
  bad_request: 'the frame or one of its fields is malformed',
  unauthorized: 'the token is not valid, or belongs to another user',
  forbidden: 'the grants and the namespace do not allow it',
  unknown_namespace: 'no such namespace is configured',
  not_enabled: 'history or presence is off in this namespace',
  not_joined: 'the namespace lets only members publish',
  already_joined: 'this connection is a member already; nothing changed',
  not_found: 'no such user or session',
  room_limit: 'this connection is in as many rooms as it may be',
  too_large: 'the payload is over the limit',
  rate_limited: 'too many requests; retryAfterMs says when there is room again',
  no_service: 'nobody answers for this method or namespace',
  service_error: 'the service answered with an error',
  timeout: 'the service did not answer in time',
  unsupported: 'this gateway does not offer it',
  unavailable: 'NATS is away; retryAfterMs says when to try again',
  internal: 'a fault of the gateway; it has been logged',
} as const

/** One of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES
