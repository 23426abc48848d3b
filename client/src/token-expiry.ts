// When a token ends, and when another is to be asked for. Pure: it reads the claim of a JWT without verifying anything, which is
// the gateway's part, and does without where the token is no JWT.

/** At most this share of a token's time is kept back as its margin, so that short-lived tokens are of use at all. */
const MARGIN_SHARE = 0.25

/** The claim `exp` as Unix time in milliseconds; undefined where it cannot be read. */
export function jwtExpiryMs(token: string): number | undefined {
  try {
    const claims: unknown = JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')))
    const exp = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : undefined
    return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1000 : undefined
  } catch {
    // An opaque token: only the gateway knows when it ends, and says so in `welcome`.
    return undefined
  }
}

/** How long before its end a token with so much time left is to be replaced. */
export function marginOf(leftMs: number, marginMs: number): number {
  return Math.min(marginMs, Math.max(0, leftMs) * MARGIN_SHARE)
}
