/**
 * What the authenticator wants of keys, whatever they are: a shared secret or a remote key set. Owns the port and its one
 * error. Step 1 of the message path (accept).
 */
import { errors, type JWTPayload, type JWTVerifyOptions } from 'jose'

/** Keys that tokens are verified with. */
export interface KeySource {
  /** Allow-list of `alg`; never holds `none`, and never HMAC beside public keys. */
  readonly algorithms: readonly string[]
  /**
   * Verifies signature and registered claims.
   *
   * @throws KeysUnavailable if the keys cannot be reached; else what jose's jwtVerify throws
   */
  verify(token: string, options: JWTVerifyOptions): Promise<JWTPayload>
}

/** The keys cannot be reached, so nothing can be said about the token. Thrown by key sources, caught by the authenticator. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
}

/** The code of one of jose's errors; null for anything else. */
export function joseCode(error: unknown): string | null {
  return error instanceof errors.JOSEError ? error.code : null
}
