// Whether a token that is valid was revoked: asked of each that signs in or refreshes. One that is revoked in the moment between this and
// the opening of its connection is closed by the look that follows each revocation.
import type { AuthResult } from '../accept/authenticate/principal.ts'
import type { Revocations } from '../control/follow-revocations.ts'

/** The part of revocations that signing in asks. */
export type AskedRevocations = Pick<Revocations, 'readable' | 'isRevoked'>

/** The same result, or the refusal of a token that was revoked, or of which that can't be known: it fails closed. */
export function unlessRevoked(
  authenticated: Promise<AuthResult>,
  revocations: AskedRevocations | null,
): Promise<AuthResult> {
  return revocations === null ? authenticated : judged(authenticated, revocations)
}

async function judged(authenticated: Promise<AuthResult>, revocations: AskedRevocations): Promise<AuthResult> {
  const result = await authenticated
  if (result.kind === 'refused') return result
  if (!(await revocations.readable()))
    return { kind: 'refused', reason: 'unavailable', detail: 'revocations cannot be read' }
  return revocations.isRevoked(result.principal)
    ? { kind: 'refused', reason: 'unauthorized', detail: 'the token was revoked' }
    : result
}
