// Tokens as an identity provider would make them: HS256 with the secret that test gateways know, or RS256 with a key of a
// key set. Bad ones too: nothing is checked here.
import { randomBytes } from 'node:crypto'
import type { Grants } from '@sluice/proto'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { secret } from './secrets.ts'

/** The shared secret of the gateways that tests start. New in each test process. */
export const SECRET = secret(randomBytes(24).toString('hex'))

/** What a token says beside its user. */
export interface TokenOptions {
  /** The claim that names the user. Default `sub`. */
  readonly userClaim?: string
  /** From now; negative for an expired one, null for a token without expiry. Default 600. */
  readonly ttlSeconds?: number | null
  /** The claim `sluice`. */
  readonly grants?: Grants
  /** Default {@link SECRET}. */
  readonly secret?: string
  /** Further claims. */
  readonly claims?: Readonly<Record<string, unknown>>
}

/** A token signed with the shared secret. */
export function makeToken(user: unknown, options: TokenOptions = {}): Promise<string> {
  const key = new TextEncoder().encode(options.secret ?? SECRET)
  return signed(user, options, (token) => token.setProtectedHeader({ alg: 'HS256' }).sign(key))
}

/** A key of an identity provider. */
export interface SigningKey {
  /** The public half, as it stands in a key set. */
  readonly jwk: JWK
  sign(user: unknown, options?: TokenOptions): Promise<string>
}

/** Makes an RS256 key. */
export async function makeSigningKey(kid: string): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  return {
    jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' },
    sign: (user, options = {}) =>
      signed(user, options, (token) => token.setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey)),
  }
}

async function signed(
  user: unknown,
  { userClaim = 'sub', ttlSeconds = 600, grants, claims }: TokenOptions,
  sign: (token: SignJWT) => Promise<string>,
): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const token = new SignJWT({ ...claims, [userClaim]: user, ...(grants === undefined ? {} : { sluice: grants }) })
  if (ttlSeconds !== null) token.setExpirationTime(now + ttlSeconds)
  token.setIssuedAt(ttlSeconds !== null && ttlSeconds < 0 ? now + ttlSeconds - 60 : now)
  return secret(await sign(token))
}
