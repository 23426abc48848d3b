// Subject tokens: the reversible form in which any name fits one token of a NATS subject, a KV key or a header.
// Bytes outside [A-Za-z0-9_-] become =HH, so plain names stay as they are and nothing can smuggle in `.`, `*` or `>`.

declare const brand: unique symbol

/** A name in the form that subjects, keys and headers carry. */
export type Token = string & { readonly [brand]: 'Token' }

const plain = /^[A-Za-z0-9_-]+$/
const canonical = /^(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+$/
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const byteToToken: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte)
  return plain.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
})

/**
 * Encodes a name. The caller has bounded it: a name of n bytes makes at most 3n characters.
 *
 * @param name - well-formed Unicode, not empty
 * @throws RangeError for any other, as a token must decode to the name that it stands for and no subject has empty tokens
 */
export function encodeToken(name: string): Token {
  if (plain.test(name)) return name as Token
  if (name === '' || !name.isWellFormed()) throw new RangeError('a name is well-formed Unicode and not empty')
  let token = ''
  for (const byte of encoder.encode(name)) token += byteToToken[byte]
  return token as Token
}

/**
 * Decodes a token that came from outside.
 *
 * @returns null unless the token is exactly what {@link encodeToken} makes of some name: `=41` for `A`, lower-case hex and
 * bytes that are no UTF-8 are refused, so that one name has one subject
 */
export function decodeToken(token: string): string | null {
  if (plain.test(token)) return token
  if (!canonical.test(token)) return null
  const bytes: number[] = []
  for (let at = 0; at < token.length; at++) {
    if (token[at] !== '=') {
      bytes.push(token.charCodeAt(at))
      continue
    }
    const byte = Number.parseInt(token.slice(at + 1, at + 3), 16)
    if (byteToToken[byte] !== token.slice(at, at + 3)) return null
    bytes.push(byte)
    at += 2
  }
  try {
    return decoder.decode(Uint8Array.from(bytes))
  } catch {
    // Only what a peer sent can be no UTF-8; the answer is the same as for any other malformed token.
    return null
  }
}
