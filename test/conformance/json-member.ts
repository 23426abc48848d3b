// The text of one member of a JSON object, as it stands there: whether a payload travelled untouched [P-8.2] cannot be told from its
// value. Expects an object that JSON.parse accepts, and judges nothing.

const WHITE = /[ \t\r\n]/

/** The raw text of the last member of that name in the outermost object, without white space around it; null if there is none. */
export function jsonMember(text: string, name: string): string | null {
  let found: string | null = null
  let at = text.indexOf('{') + 1
  for (;;) {
    at = skipWhite(text, at)
    if (text[at] !== '"') return found
    const keyEnd = endOfValue(text, at)
    const key: unknown = JSON.parse(text.slice(at, keyEnd))
    const start = skipWhite(text, text.indexOf(':', keyEnd) + 1)
    const end = endOfValue(text, start)
    if (key === name) found = text.slice(start, end)
    at = skipWhite(text, end)
    if (text[at] !== ',') return found
    at++
  }
}

function skipWhite(text: string, from: number): number {
  let at = from
  while (at < text.length && WHITE.test(text[at] ?? '')) at++
  return at
}

/** The end of the value that begins here. */
function endOfValue(text: string, from: number): number {
  let depth = 0
  let at = from
  while (at < text.length) {
    const char = text[at] ?? ''
    if (char === '"') at = endOfString(text, at)
    else if (char === '{' || char === '[') {
      depth++
      at++
    } else if (char === '}' || char === ']') {
      if (depth === 0) return at
      depth--
      at++
    } else if (depth === 0 && (char === ',' || WHITE.test(char))) return at
    else at++
    if (depth === 0 && /["}\]]/.test(char)) return at
  }
  return at
}

function endOfString(text: string, from: number): number {
  let at = from + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}
