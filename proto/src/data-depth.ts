// Bounds the nesting of `data` that came as text, for clients and services alike: what is delivered must be readable to every
// member, and parsers and encoders of other languages recurse. Works on text that JSON.parse accepted.
import { DATA_DEPTH_MAX } from './limits.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Whether the arrays and objects of a JSON text are nested deeper than {@link DATA_DEPTH_MAX}.
 *
 * @param json - a text that JSON.parse accepted; with any other text the answer means nothing
 */
export function isTooDeep(json: string): boolean {
  // Each level takes two characters, so the common short text needs no look.
  if (json.length <= 2 * DATA_DEPTH_MAX) return false
  let depth = 0
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (code === QUOTE) at = closingQuote(json, at)
    // The pairs of brackets and braces differ in the same bits: `[` 5b, `{` 7b, `]` 5d, `}` 7d.
    else if ((code & 0xdf) === 0x5b) {
      depth++
      if (depth > DATA_DEPTH_MAX) return true
    } else if ((code & 0xdf) === 0x5d) depth--
  }
  return false
}

function closingQuote(json: string, start: number): number {
  let at = start + 1
  while (at < json.length && json.charCodeAt(at) !== QUOTE) at += json.charCodeAt(at) === BACKSLASH ? 2 : 1
  return at
}
