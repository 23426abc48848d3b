// The grammar of `Sec-WebSocket-Extensions` (RFC 6455, 9.1): what a client offers, taken apart. Judges no extension and no parameter.
// Step 1 of the message path.

/** One extension that is offered, with its parameters in their order; one without a value has null. */
export interface ExtensionOffer {
  readonly name: string
  readonly parameters: readonly (readonly [name: string, value: string | null])[]
}

/** More offers or parameters than any client has use for. Node bounds the header's bytes. */
const PARTS_MAX = 64

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
/** A token, a value in either form, or a divider, with the blanks around it. A quoted value must hold a token. */
const PART = new RegExp(
  `[ \\t]*(?:(${TOKEN})(?:[ \\t]*=[ \\t]*(?:(${TOKEN})|"((?:\\\\?[!#$%&'*+.^_\`|~0-9A-Za-z-])+)"))?)[ \\t]*([;,]|$)`,
  'y',
)
/** Between two commas nothing may stand: a list of HTTP may have empty elements. */
const EMPTY_ELEMENT = /[ \t]*,/y

/**
 * Reads the header.
 *
 * @returns null for what the grammar does not allow
 */
export function parseExtensions(header: string): readonly ExtensionOffer[] | null {
  const offers: ExtensionOffer[] = []
  let parameters: [string, string | null][] | null = null
  let at = 0
  for (let parts = 0; at < header.length; parts++) {
    if (parts === PARTS_MAX) return null
    if (parameters === null) at = afterEmptyElements(header, at)
    PART.lastIndex = at
    const part = PART.exec(header)
    if (part === null) return null
    const [whole, name = '', plain, quoted, divider] = part
    const value = plain ?? quoted?.replaceAll('\\', '') ?? null
    if (parameters !== null) parameters.push([name, value])
    else {
      if (value !== null) return null
      parameters = []
      offers.push({ name, parameters })
    }
    at += whole.length
    if (divider === ';' && at === header.length) return null
    if (divider !== ';') parameters = null
  }
  return offers.length === 0 ? null : offers
}

function afterEmptyElements(header: string, from: number): number {
  let at = from
  for (;;) {
    EMPTY_ELEMENT.lastIndex = at
    if (!EMPTY_ELEMENT.test(header)) return at
    at = EMPTY_ELEMENT.lastIndex
  }
}
