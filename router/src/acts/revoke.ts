// Keeps that older tokens of a user, or a token, are not let in any more: before anyone is disconnected, so that nobody comes back in
// between. Both owners of a shard do it; each sees what the other has written.
import {
  type Bucket,
  decodeRevocation,
  encodeRevocation,
  type Revocation,
  type RevocationTarget,
  revocationKey,
} from '@sluice/proto'
import { readKeyAtLeader, writeKey } from '@sluice/service/jetstream/key-write'
import type { NatsPort } from '@sluice/service/jetstream/port'

/** See {@link revoke}. */
export interface RevokeOptions {
  readonly nats: NatsPort
  readonly bucket: Bucket
  /** Unix time from which on it does not count any more, in milliseconds. */
  readonly until: number
}

/** Two owners and some services at once: who loses as often as this gives up. */
const TRIES_MAX = 5

/** Keeps it; false where it can't be kept. An earlier one is never weakened. */
export async function revoke(
  target: RevocationTarget,
  notBefore: number,
  { nats, bucket, until }: RevokeOptions,
): Promise<boolean> {
  const subject = bucket.subject(revocationKey(target))
  try {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const stored = await readKeyAtLeader(nats, bucket.stream, subject)
      const before = stored === null || stored.deleted ? null : decodeRevocation(stored.value)
      // A later release knows better.
      if (before === 'newer') return true
      if (before !== null && before.notBefore >= notBefore && isAsLong(before, until)) return true
      const revocation = {
        notBefore: Math.max(notBefore, before?.notBefore ?? 0),
        until: Math.max(until, before?.until ?? 0),
      }
      const value = encoder.encode(encodeRevocation(revocation))
      const written = await writeKey(nats, { subject, value, expected: stored?.revision ?? 0 })
      if (written.kind === 'stored') return true
      if (written.kind === 'unknown') return false
    }
  } catch {
    // Nobody leads the bucket at the moment; the service is told and asks again.
  }
  return false
}

/** The other owner has written a moment earlier. */
const SAME_MS = 60_000

function isAsLong(before: Revocation, until: number): boolean {
  return before.until >= until - SAME_MS
}

const encoder = new TextEncoder()
