// A payload: what a publisher sent, as the bytes that NATS carries. JSON stays the publisher's own text, never parsed and
// printed again on the way; a codec turns it into the form of its frames at the edge.

/** The bytes of one message, with what they are. They may be a view of the frame that they came in: copy them to keep them. */
export interface Payload {
  readonly kind: 'json' | 'bytes'
  /** UTF-8 JSON for `json`, anything for `bytes`. */
  readonly bytes: Uint8Array
}

const encoder = new TextEncoder()

/** Wraps a text that is known to be JSON. */
export function jsonPayload(text: string): Payload {
  return { kind: 'json', bytes: encoder.encode(text) }
}

/** Wraps bytes. */
export function bytesPayload(bytes: Uint8Array): Payload {
  return { kind: 'bytes', bytes }
}

/**
 * Decodes standard base64 with padding, as JSON frames carry bytes.
 *
 * @returns null unless the text is exactly what {@link encodeBase64} makes of some bytes: `atob` alone would let pass white
 * space, missing padding, and bits behind the last byte, so that one value had many texts
 */
export function decodeBase64(text: string): Uint8Array | null {
  let chars: string
  try {
    chars = atob(text)
  } catch {
    // Only what a peer sent can be no base64; null is the answer to it.
    return null
  }
  if (btoa(chars) !== text) return null
  const bytes = new Uint8Array(chars.length)
  for (let at = 0; at < chars.length; at++) bytes[at] = chars.charCodeAt(at)
  return bytes
}

/** Encodes bytes as standard base64 with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  let chars = ''
  // Applied in pieces: an argument list of more than some 60,000 entries overflows the stack.
  for (let at = 0; at < bytes.length; at += 8192) chars += String.fromCharCode(...bytes.subarray(at, at + 8192))
  return btoa(chars)
}
