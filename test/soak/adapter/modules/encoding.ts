// The module `k6/encoding`, as far as the scripts use it.

/** Base64 of a text. Of k6's alphabets only that of tokens is offered. */
export function b64encode(input: string, encoding: 'rawurl'): string {
  if (encoding !== 'rawurl') throw new TypeError(`not offered: ${encoding}`)
  return Buffer.from(input).toString('base64url')
}
