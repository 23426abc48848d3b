// Which tokens are not let in any more: for a user or a token the time before which none may have been issued. Routers write it when a
// service disconnects with `notBefore`; gateways look at it whenever a token signs in.
import * as z from 'zod/mini'
import { LIMITS, TOKEN_ID_BYTES_MAX } from '../limits.ts'
import { parseUser, type UserName } from '../names.ts'
import { decodeToken, encodeToken } from '../tokens.ts'
import { notBeforeField } from './api-fields.ts'
import { readVersioned, type Unversioned, type Versioned, versionField, writeVersioned } from './versioned.ts'

/** Whom it is about. */
export type RevocationTarget =
  | { readonly kind: 'user'; readonly name: UserName }
  /** By its `jti`. */
  | { readonly kind: 'token'; readonly name: string }

/** A revocation. */
export const revocationSchema = z.object({
  v: versionField,
  /** Tokens issued before it, or at a time that they do not tell, are refused. Seconds of Unix time, as `iat`. */
  notBefore: notBeforeField,
  /** From when on it does not count any more, as every such token has run out. Unix time in milliseconds. */
  until: z.int().check(z.nonnegative()),
})

/** See {@link revocationSchema}. */
export type Revocation = Unversioned<z.infer<typeof revocationSchema>>

const REVOCATION_BYTES_MAX = 1024

/** Reads a revocation. */
export function decodeRevocation(bytes: Uint8Array): Versioned<Revocation> {
  return readVersioned(bytes, REVOCATION_BYTES_MAX, revocationSchema)
}

/** Writes a revocation. */
export function encodeRevocation(revocation: Revocation): string {
  return writeVersioned(revocation)
}

/** The key of a revocation: `user.<user>`, `token.<jti>`, each a token. */
export function revocationKey({ kind, name }: RevocationTarget): string {
  return `${kind}.${encodeToken(name)}`
}

/** Takes such a key apart; null if it is none. */
export function parseRevocationKey(key: string): RevocationTarget | null {
  const dot = key.indexOf('.')
  const name = decodeToken(key.slice(dot + 1))
  if (name === null) return null
  switch (key.slice(0, dot)) {
    case 'user': {
      const user = parseUser(name, LIMITS.nameBytesMax.max)
      return user === null ? null : { kind: 'user', name: user }
    }
    case 'token':
      return encoder.encode(name).length > TOKEN_ID_BYTES_MAX ? null : { kind: 'token', name }
    default:
      return null
  }
}

const encoder = new TextEncoder()
