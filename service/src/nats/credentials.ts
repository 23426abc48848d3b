// How a process proves itself to NATS. Files are read again at each connect, so rotated credentials need no restart; a file
// that can't be read later on leaves the last good value in use.
import { readFileSync } from 'node:fs'
import {
  type Authenticator,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node'

/** Something to sign, to see whether a file holds credentials at all. */
const PROBE_NONCE = 'nonce'

/** Where the credentials come from; all unset connects without any. Files win over values. */
export interface CredentialOptions {
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly passwordFile?: string | undefined
  readonly token?: string | undefined
  readonly tokenFile?: string | undefined
  /** A `.creds` file: user JWT and seed. */
  readonly credsFile?: string | undefined
  /** A file with an nkey seed. */
  readonly nkeyFile?: string | undefined
}

/**
 * @returns the authenticators for the options, none if nothing is set
 * @throws if a file can't be read now, or holds no credentials: at the start that is the operator's to mend
 */
export function authenticators(options: CredentialOptions): Authenticator[] {
  const made: Authenticator[] = []
  if (options.credsFile !== undefined) made.push(lastGood(rereading(options.credsFile), credsAuthenticator))
  if (options.nkeyFile !== undefined) made.push(lastGood(seedOf(options.nkeyFile), nkeyAuthenticator))
  if (options.tokenFile !== undefined) made.push(tokenAuthenticator(textOf(options.tokenFile)))
  else if (options.token !== undefined) made.push(tokenAuthenticator(options.token))
  if (options.user !== undefined) {
    const password = options.passwordFile !== undefined ? textOf(options.passwordFile) : (options.password ?? '')
    made.push(usernamePasswordAuthenticator(options.user, password))
  }
  return made
}

/**
 * Keeps to what last worked while a file holds something else: the client closes for good when an authenticator throws.
 *
 * @param read - the file's content, read again at each call
 * @param make - takes credentials apart at each use, and throws for what is none
 */
function lastGood(read: () => Uint8Array, make: (content: Uint8Array) => Authenticator): Authenticator {
  let good = make(read())
  good(PROBE_NONCE)
  return (nonce) => {
    try {
      const fresh = make(read())
      const proof = fresh(nonce)
      good = fresh
      return proof
    } catch {
      // A file that is being written; the server says so if the old credentials are no longer right.
      return good(nonce)
    }
  }
}

/** Reads now, so that a missing file fails the start, and again at each call. */
function rereading(path: string): () => Uint8Array {
  let last: Uint8Array = readFileSync(path)
  return () => {
    try {
      last = readFileSync(path)
    } catch {
      // The client closes for good when an authenticator throws. A mounted secret can vanish for a moment while it is
      // swapped; if the old value is no longer right, the server says so and the next attempt reads again.
    }
    return last
  }
}

function textOf(path: string): () => string {
  const read = rereading(path)
  return () => new TextDecoder().decode(read()).trim()
}

function seedOf(path: string): () => Uint8Array {
  const read = textOf(path)
  return () => new TextEncoder().encode(read())
}
