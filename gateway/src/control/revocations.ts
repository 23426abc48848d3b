// Which tokens are not let in any more, as this gateway knows it. Pure: what is told by the bucket, or by a router ahead of it, and the
// answer for a principal. Bounded by the bucket's own bound, and by the time after which a revocation does not count.
import type { Revocation, RevocationTarget } from '@sluice/proto'
import type { Principal } from '../accept/authenticate/principal.ts'

/** The revocations that are known. */
export interface RevocationTable {
  /** The bucket tells of a key; null where it was deleted. Of two states the one with the higher revision counts. */
  put(target: RevocationTarget, revision: number, revocation: Revocation | null): void
  /** A router tells of one whose copy may be still on its way. */
  ahead(target: RevocationTarget, revocation: Revocation): void
  /** Whether a principal's token must not be let in. */
  isRevoked(principal: Pick<Principal, 'user' | 'tokenId' | 'issuedAt'>, nowMs: number): boolean
  /** Forgets what does not count any more. */
  prune(nowMs: number): void
  readonly size: number
}

interface Known {
  readonly revision: number
  readonly revocation: Revocation | null
}

/** Makes an empty table. */
export function createRevocationTable(): RevocationTable {
  const known = { user: new Map<string, Known>(), token: new Map<string, Known>() }

  function refuses(entry: Known | undefined, issuedAt: number | null, nowMs: number): boolean {
    const revocation = entry?.revocation
    return revocation != null && nowMs < revocation.until && isIssuedBefore(issuedAt, revocation.notBefore)
  }

  return {
    put({ kind, name }, revision, revocation) {
      if (revision > (known[kind].get(name)?.revision ?? -1)) known[kind].set(name, { revision, revocation })
    },
    ahead({ kind, name }, revocation) {
      const before = known[kind].get(name)
      if ((before?.revocation?.notBefore ?? -1) >= revocation.notBefore) return
      known[kind].set(name, { revision: before?.revision ?? 0, revocation })
    },
    isRevoked({ user, tokenId, issuedAt }, nowMs) {
      if (refuses(known.user.get(user), issuedAt, nowMs)) return true
      return tokenId !== null && refuses(known.token.get(tokenId), issuedAt, nowMs)
    },
    prune(nowMs) {
      for (const map of [known.user, known.token]) {
        for (const [name, { revocation }] of map) if (revocation === null || nowMs >= revocation.until) map.delete(name)
      }
    },
    get size() {
      return known.user.size + known.token.size
    },
  }
}

/** Of a token that does not say when it was issued it can't be proven that it is a later one. */
export function isIssuedBefore(issuedAt: number | null, notBefore: number): boolean {
  return (issuedAt ?? 0) < notBefore
}
