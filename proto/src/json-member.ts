// Finds the source text of one member of a JSON object, so that a publisher's `data` travels as it was written: numbers keep
// their digits, objects their order, and no depth of nesting can exhaust a stack. Works on text that JSON.parse accepted.

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

/** A part of a text, `end` not included. */
export interface Span {
  readonly start: number
  readonly end: number
}

/**
 * The text of a top-level member's value, without white space around it.
 *
 * @param text - an object that JSON.parse accepted; with any other text the answer means nothing
 * @param name - the member's name, unescaped
 * @returns undefined if there is no such member; the last one if it stands there twice, as JSON.parse has it
 */
export function jsonMember(text: string, name: string): string | undefined {
  const span = jsonMemberSpan(text, name)
  return span === null ? undefined : text.slice(span.start, span.end)
}

/** Where the text of {@link jsonMember} stands; null if there is no such member. */
export function jsonMemberSpan(text: string, name: string): Span | null {
  let found: Span | null = null
  let at = text.indexOf('{') + 1
  for (;;) {
    at = skipSpace(text, at)
    if (text.charCodeAt(at) !== QUOTE) return found
    const keyEnd = stringEnd(text, at)
    const start = skipSpace(text, text.indexOf(':', keyEnd) + 1)
    const end = valueEnd(text, start)
    if (isKey(text, at, keyEnd, name)) found = { start, end: skipSpaceBack(text, end) }
    if (text.charCodeAt(end) !== COMMA) return found
    at = end + 1
  }
}

/** Whether the string from `start` to `end`, quotes included, says the name. */
function isKey(text: string, start: number, end: number, name: string): boolean {
  const key = text.slice(start + 1, end - 1)
  return key.includes('\\') ? JSON.parse(text.slice(start, end)) === name : key === name
}

/** Where a value's text ends: at the comma or brace that follows it, white space included. */
function valueEnd(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = stringEnd(text, at) - 1
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      if (depth === 0) return at
      depth--
    } else if (code === COMMA && depth === 0) return at
  }
  return text.length
}

/** The index behind a string's closing quote; `start` is at its opening one. */
function stringEnd(text: string, start: number): number {
  let at = start + 1
  for (;;) {
    const quote = text.indexOf('"', at)
    if (quote === -1) return text.length
    let slashes = 0
    while (text.charCodeAt(quote - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return quote + 1
    at = quote + 1
  }
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (text.charCodeAt(at) <= 0x20) at++
  return at
}

function skipSpaceBack(text: string, end: number): number {
  let at = end
  while (text.charCodeAt(at - 1) <= 0x20) at--
  return at
}
