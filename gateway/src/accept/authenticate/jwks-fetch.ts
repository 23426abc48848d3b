/**
 * The HTTP request for a key set, with its bounds: status 200 only, no redirects, a body that is not too large. The answer of
 * an endpoint is read here and nowhere else. Step 1 of the message path (accept).
 */
import type { FetchImplementation } from 'jose'
import { joseCode } from './key-source.ts'

/** Bytes of a key set. Large ones of public providers, certificate chains included, have some 30 KiB. */
export const JWKS_BYTES_MAX = 256 * 1024

/** An answer that is no key set. Its message is made of our own words and may be logged. */
class JwksAnswerRefused extends Error {
  override readonly name = 'JwksAnswerRefused'
}

/** What jose shall fetch key sets with. Time is bounded by the signal that jose passes. */
export function boundedFetch(fetch: typeof globalThis.fetch): FetchImplementation {
  return async (url, options) => {
    // `manual` hands the redirect itself to the check of the status: a key set comes from the configured address or not at all.
    const response = await fetch(url, { ...options, redirect: 'manual' })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new JwksAnswerRefused(`status ${response.status}`)
    }
    return new Response(await readBody(response), { status: 200 })
  }
}

/** Names what went wrong, for logs: never holds an address, which might carry a credential. */
export function fetchFailure(error: unknown): string {
  if (error instanceof JwksAnswerRefused) return error.message
  const code = joseCode(error)
  if (code !== null) return code
  // Node's fetch wraps the socket's error, which has the code that operators know (ECONNREFUSED, ENOTFOUND, …).
  if (!(error instanceof Error)) return 'unknown'
  const { cause } = error
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : error.name
}

async function readBody(response: Response): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  // Leaving the loop cancels the body, and with it the connection.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > JWKS_BYTES_MAX) throw new JwksAnswerRefused(`more than ${JWKS_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return new Blob(chunks)
}
