// Why a gateway asks for no new sockets: the words of `/readyz`, documented in deploy/operators.md.

/** Every reason that `/readyz` can give, with what it means to an operator. */
export const READINESS_REASONS = {
  starting: 'The public port is not open yet, or no loop-back publish on our own prefix has come back since the start.',
  waiting_for_buckets:
    'A namespace has presence, and the buckets that routers make are not there yet, or our lease is not held and announced in them.',
  waiting_for_streams: 'Something keeps a history, and the streams that routers make for it are not there yet.',
  revocations_unreadable:
    'It is not known which tokens were revoked, and each sign-in is closed with 1013: their bucket could not be read since the start, or for longer than `readiness.graceMs`. Mostly a right on NATS is missing.',
  lease_overdue: 'Our lease could not be renewed for longer than `readiness.graceMs`: others no longer see our users.',
  draining: 'The gateway was told to stop and is closing its sockets.',
  nats_disconnected: 'NATS has been away for longer than `readiness.graceMs`.',
  nats_unauthorized: 'NATS refuses the credentials; they are read again at each attempt.',
  probe_failed:
    'Loop-back publishes on our own prefix have failed for longer than `readiness.graceMs`: permissions, prefix or cluster are wrong.',
} as const

/** One of {@link READINESS_REASONS}. */
export type ReadinessReason = keyof typeof READINESS_REASONS
