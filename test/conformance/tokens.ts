// Tokens for the users of the suite [P-3.5]: signed with a shared secret (HS256), or printed by a command for issuers that have none.
// Never verifies one.
import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { promisify } from 'node:util'

/** What a token is to say. */
export interface TokenWish {
  readonly grants?: Readonly<Record<string, unknown>>
  /** From now; negative for one that has expired. Default 600. */
  readonly ttlSeconds?: number
}

/** Makes tokens. */
export interface Issuer {
  token(user: string, wish?: TokenWish): Promise<string>
  /** Signs any claims at all; null where only a command makes tokens, which then skips the checks that need it. */
  readonly sign: ((claims: Readonly<Record<string, unknown>>) => string) | null
}

const TTL_SECONDS = 600
const COMMAND_MS = 15_000
const run = promisify(execFile)

/**
 * An issuer that knows the secret.
 *
 * @param now - milliseconds of Unix time
 */
export function secretIssuer(secret: string, now: () => number): Issuer {
  const sign = (claims: Readonly<Record<string, unknown>>): string => {
    const head = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded(claims)}`
    return `${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`
  }
  return {
    sign,
    async token(user, { grants, ttlSeconds = TTL_SECONDS } = {}) {
      const seconds = Math.floor(now() / 1000)
      const iat = Math.min(seconds, seconds + ttlSeconds - 60)
      return sign({ sub: user, iat, exp: seconds + ttlSeconds, ...(grants === undefined ? {} : { sluice: grants }) })
    },
  }
}

/** An issuer that asks a command: it is started with three arguments, the user, the grants as JSON, and the lifetime in seconds. */
export function commandIssuer(command: string): Issuer {
  return {
    sign: null,
    async token(user, { grants = {}, ttlSeconds = TTL_SECONDS } = {}) {
      const args = ['-c', `${command} "$@"`, 'sh', user, JSON.stringify(grants), String(ttlSeconds)]
      const { stdout } = await run('sh', args, { timeout: COMMAND_MS })
      return stdout.trim()
    },
  }
}

/** The token with a signature that does not fit. */
export function forged(token: string): string {
  const at = token.lastIndexOf('.') + 1
  const signature = token.slice(at)
  // The first character: the last one may hold bits that no decoder reads.
  return token.slice(0, at) + (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1)
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
