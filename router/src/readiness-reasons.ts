// Why a router is not ready: the words of its `/readyz`, documented in deploy/operators.md.

/** Every reason that `/readyz` of a router can give, with what it means to an operator. */
export const READINESS_REASONS = {
  starting: 'The buckets and the stream of events are not made yet: NATS cannot be reached, or refuses.',
  loading: 'Leases and entries that were there at the start are still being read.',
  draining: 'The router was told to stop.',
  lease_missing: 'Our lease is not stored yet, or was lost and is being taken anew.',
  lease_overdue: 'Our lease could not be renewed for longer than `router.readinessGraceMs`.',
} as const

/** One of {@link READINESS_REASONS}. */
export type ReadinessReason = keyof typeof READINESS_REASONS
