// Follows the bucket of revocations, which routers make and write. Who signs in waits until it was read, as a token that can't be checked
// is not let in; where there is no such bucket, nothing has been revoked. Closes those who were missed by control.
import {
  createPresenceStores,
  decodeRevocation,
  keyFilters,
  parseRevocationKey,
  type Revocation,
  type RevocationTarget,
} from '@sluice/proto'
import type { Clock } from '@sluice/service/clock'
import { followBucket, NoSuchBucket } from '@sluice/service/jetstream/bucket-follower'
import type { Logger } from '@sluice/service/log'
import type { Throttle } from '@sluice/service/throttle'
import type { Principal } from '../accept/authenticate/principal.ts'
import type { RevocationsReadiness } from '../admin/readiness.ts'
import type { SideLinks } from '../backplane/side-links.ts'
import { createRevocationTable } from './revocations.ts'

/** See {@link followRevocations}. */
export interface FollowRevocationsOptions {
  readonly links: SideLinks
  readonly prefix: string
  readonly clock: Clock
  readonly log: Logger
  readonly throttle: Throttle
  /** Something was revoked some seconds ago: whoever is still here with such a token goes. */
  readonly onOverdue: (isRevoked: (principal: Principal) => boolean) => void
}

/** What signing in asks. */
export interface Revocations {
  readonly readiness: RevocationsReadiness
  /** Whether it is known what was revoked; false if that can't be read in time. */
  readable(): boolean | Promise<boolean>
  /** Whether a token must not be let in. */
  isRevoked(principal: Principal): boolean
  /** A router tells of one whose copy may be still on its way. */
  ahead(target: RevocationTarget, notBefore: number): void
  /** A connection to NATS is back: copies may be missing. */
  reconnected(): void
}

/** Who signs in at the start of a gateway comes some milliseconds before the first read has ended. */
export const READ_WAIT_MS = 2000
/** What a router says ahead counts for this long: the copy comes within moments. */
const AHEAD_MS = 60_000
/** Control closes at once and counts; what it has missed is closed after this time. */
const OVERDUE_MS = 3000

/** Begins to follow. */
export function followRevocations(options: FollowRevocationsOptions): Revocations {
  const { links, prefix, clock, log, throttle } = options
  const { revoked } = createPresenceStores(prefix)
  const table = createRevocationTable()
  const waiting = new Set<() => void>()
  let absent = false
  let seen = false
  let unreadableSince: number | null = clock.monotonicMs()
  let looking = false

  function readOrNot(): void {
    if (!isReadable()) {
      unreadableSince ??= clock.monotonicMs()
      return
    }
    seen = true
    unreadableSince = null
    for (const one of waiting) one()
  }

  function onEntry(subject: string, value: Uint8Array | null, revision: number): void {
    const target = parseRevocationKey(revoked.keyOf(subject) ?? '')
    const revocation = value === null ? null : decodeRevocation(value)
    if (target === null || revocation === 'newer' || (revocation === null && value !== null)) {
      if (throttle('revocation') !== null) log.warn({}, 'a revocation of another release was skipped')
      return
    }
    table.put(target, revision, revocation)
    if (looking) return
    looking = true
    setTimeout(enforce, OVERDUE_MS).unref()
  }

  const isRevoked = (principal: Principal): boolean => table.isRevoked(principal, clock.now())

  function enforce(): void {
    looking = false
    if (table.size > 0) options.onOverdue(isRevoked)
  }

  const follower = followBucket({
    nats: links.control,
    reads: links.reads,
    stream: revoked.stream,
    stored: revoked.subject(keyFilters.all()),
    copies: revoked.followed(keyFilters.all()),
    onEntry,
    // What was revoked stays so until its time is over, whatever becomes of the bucket.
    onStartOver: () => undefined,
    onRead: () => {
      table.prune(clock.now())
      readOrNot()
    },
    onFault: (error) => {
      absent = error instanceof NoSuchBucket
      readOrNot()
      if (!absent && throttle('revocations') !== null) log.warn({ reason: error.message }, 'revocations cannot be read')
    },
  })

  const isReadable = (): boolean => follower.loaded || absent

  return {
    get readiness() {
      return { seen, unreadableSince }
    },
    readable() {
      if (isReadable()) return true
      return new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer)
          waiting.delete(done)
          resolve(isReadable())
        }
        const timer = setTimeout(done, READ_WAIT_MS)
        waiting.add(done)
      })
    },
    isRevoked,
    ahead(target, notBefore) {
      const revocation: Revocation = { notBefore, until: clock.now() + AHEAD_MS }
      table.ahead(target, revocation)
    },
    reconnected: () => void follower.check(),
  }
}
