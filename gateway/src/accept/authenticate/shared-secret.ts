/**
 * Verifies tokens with a shared secret (HMAC): the current one and, while it is being changed, the previous one. Never logs
 * or prints a secret. Step 1 of the message path (accept).
 */
import { type CryptoKey, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import { joseCode, type KeySource } from './key-source.ts'

const HASH_OF_ALGORITHM: Readonly<Record<string, string>> = { HS256: 'SHA-256', HS384: 'SHA-384', HS512: 'SHA-512' }

/** The algorithms that a shared secret can serve. */
export const SECRET_ALGORITHMS: readonly string[] = Object.keys(HASH_OF_ALGORITHM)

/** See the head of this file. */
export class SharedSecret implements KeySource {
  readonly algorithms: readonly string[]
  readonly #secrets: readonly HmacKeys[]

  /** @param secrets - the current one first; the configuration has checked their length */
  constructor(secrets: readonly string[], algorithms: readonly string[]) {
    this.algorithms = algorithms
    this.#secrets = secrets.map((secret) => new HmacKeys(secret))
  }

  async verify(token: string, options: JWTVerifyOptions): Promise<JWTPayload> {
    let failure: unknown
    for (const secret of this.#secrets) {
      try {
        const { payload } = await jwtVerify(token, (header) => secret.for(header.alg), options)
        return payload
      } catch (error) {
        // Any other mistake (form, claims, expiry) is the token's own and stays one with the next secret.
        if (joseCode(error) !== 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED') throw error
        failure = error
      }
    }
    throw failure
  }
}

/** One secret in the form WebCrypto wants. Imported once for each hash: jose imports raw bytes again for each token. */
class HmacKeys {
  readonly #bytes: Uint8Array<ArrayBuffer>
  readonly #keys = new Map<string, Promise<CryptoKey>>()

  constructor(secret: string) {
    this.#bytes = new TextEncoder().encode(secret)
  }

  /** @param algorithm - one of the allow-list: jose has refused others before it asks for a key */
  for(algorithm: string): Promise<CryptoKey> {
    const known = this.#keys.get(algorithm)
    if (known !== undefined) return known
    const hash = HASH_OF_ALGORITHM[algorithm]
    if (hash === undefined) throw new TypeError('the algorithm is none of a shared secret')
    const key = crypto.subtle.importKey('raw', this.#bytes, { name: 'HMAC', hash }, false, ['verify'])
    this.#keys.set(algorithm, key)
    return key
  }
}
