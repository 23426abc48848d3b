// Tells TypeScript's code from its comments and strings, so that rules never trip over prose. Not a parser: it blanks what is
// not code with spaces and keeps every offset and line where it was.

/** One text in two views of the same length as the original, line breaks in place. */
export interface Views {
  /** Comments blanked, strings kept. */
  readonly code: string
  /** Comments and the contents of strings, templates and regular expressions blanked; the quotes stay. */
  readonly bare: string
}

type Kind = 'code' | 'comment' | 'text'

const token = /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:\\[\s\S]|[^'\\\n])*'?|"(?:\\[\s\S]|[^"\\\n])*"?|[`{}]|\//g
const regex = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\//y
const templatePart = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*/y
// A slash after a value divides; after anything else it begins a regular expression.
const valueBefore = /(?:[\w$)\]}'"`]|\+\+|--)\s*$/
const keywordBefore = /\b(?:return|typeof|case|in|of|do|else|void|delete|await|yield|throw)\s*$/

/** Splits a source text; it never fails, also not on text that is no TypeScript. */
export function views(text: string): Views {
  let code = ''
  let bare = ''
  /** Open braces: true for those of `${`, after which the template goes on. */
  const braces: boolean[] = []
  let at = 0

  function take(end: number, kind: Kind): void {
    const part = text.slice(at, end)
    code += kind === 'comment' ? blank(part) : part
    bare +=
      kind === 'code' ? part : kind === 'comment' ? blank(part) : part[0] + blank(part.slice(1, -1)) + lastOf(part)
    at = end
  }

  /** Takes the text of a template up to its end or its next `${`. */
  function takeTemplate(): void {
    templatePart.lastIndex = at
    const end = at + (templatePart.exec(text)?.[0].length ?? 0)
    const part = text.slice(at, end)
    code += part
    bare += blank(part)
    at = end
    if (text.startsWith('${', at)) {
      take(at + 2, 'code')
      braces.push(true)
    } else take(Math.min(at + 1, text.length), 'code')
  }

  while (at < text.length) {
    token.lastIndex = at
    const found = token.exec(text)
    take(found?.index ?? text.length, 'code')
    if (found === null) break
    const part = found[0]
    if (part === '/') {
      regex.lastIndex = at
      const divides = valueBefore.test(bare.slice(-40)) && !keywordBefore.test(bare.slice(-40))
      const end = divides || !regex.test(text) ? at + 1 : regex.lastIndex
      take(end, end === at + 1 ? 'code' : 'text')
    } else if (part === '`') {
      take(at + 1, 'code')
      takeTemplate()
    } else if (part === '{') {
      take(at + 1, 'code')
      braces.push(false)
    } else if (part === '}') {
      take(at + 1, 'code')
      if (braces.pop() === true) takeTemplate()
    } else take(at + part.length, part.startsWith('/') ? 'comment' : 'text')
  }
  return { code, bare }
}

function blank(part: string): string {
  return part.replace(/[^\n]/g, ' ')
}

function lastOf(part: string): string {
  return part.length > 1 ? part.slice(-1) : ''
}
