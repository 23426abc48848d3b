// The module `k6/crypto`, as far as the scripts use it.
import { createHmac } from 'node:crypto'

/** A keyed hash. Of k6's encodings only that of tokens is offered. */
export function hmac(algorithm: 'sha256', secret: string, input: string, encoding: 'base64rawurl'): string {
  if (algorithm !== 'sha256' || encoding !== 'base64rawurl')
    throw new TypeError(`not offered: ${algorithm}, ${encoding}`)
  return createHmac(algorithm, secret).update(input).digest('base64url')
}
