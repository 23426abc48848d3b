// Why a router is not ready: the words of `/readyz`, documented in deploy/operators.md.

/** Every reason that `/readyz` can give, with what it means to an operator. */
export const READINESS_REASONS = {
  starting:
    'The buckets and the stream are not made yet, our lease is not held, or not all shards that we own are loaded for the first time.',
  waiting_for_history:
    'A stream of history that the configuration names has not been there since the start: the log says why it cannot be made.',
  draining: 'The router was told to stop and waits until others have its shards.',
  lease_overdue:
    'Our lease could not be renewed for longer than `router.readinessGraceMs`: others have taken our shards.',
  nats_disconnected: 'A connection to NATS has been away for longer than `router.readinessGraceMs`.',
  nats_unauthorized: 'NATS refuses the credentials; they are read again at each attempt.',
} as const

/** One of {@link READINESS_REASONS}. */
export type ReadinessReason = keyof typeof READINESS_REASONS
