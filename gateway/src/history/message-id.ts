// The id under which a stream knows a message again. The server's window of ids is one for the whole stream, so a bare key would let
// two rooms or users swallow each other's messages: the id is a digest of everything that makes the key unique.
import { createHash, randomUUID } from 'node:crypto'

/** What a key is unique in. */
export interface KeyScope {
  readonly kind: 'room' | 'user'
  /** The room's or recipient's name. */
  readonly target: string
  /** The publishing user. */
  readonly sender: string
}

/**
 * @param key - undefined makes an id that is never used again
 */
export function messageId({ kind, target, sender }: KeyScope, key: string | undefined): string {
  if (key === undefined) return randomUUID()
  const hash = createHash('sha256')
  // Each with its length before it: no part can pass for the end of another.
  for (const part of [kind, target, sender, key]) hash.update(`${Buffer.byteLength(part)}:`).update(part)
  return hash.digest('base64url')
}
