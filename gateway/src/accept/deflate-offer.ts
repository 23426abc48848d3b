// Which offer of `permessage-deflate` a gateway takes up (RFC 7692, 7.1), and what it answers: never a context that outlives a message, in
// either direction. Pure. Step 1 of the message path.
import { type ExtensionOffer, parseExtensions } from './extension-header.ts'

/** What was agreed with a client. */
export interface DeflateAgreement {
  /** The value of `Sec-WebSocket-Extensions` in the answer. */
  readonly answer: string
  /**
   * A message up to this size may go to it compressed. A back-reference never reaches further than what came before it, so a message
   * that is not larger than the client's window fits any window that the one compression for all was made with.
   */
  readonly messageBytesMax: number
}

/** No extension, an agreement, or a header that is none: the handshake fails (RFC 6455, 9.1). */
export type DeflateNegotiation = DeflateAgreement | 'malformed' | null

/** The name of the extension. */
export const PERMESSAGE_DEFLATE = 'permessage-deflate'

const ANSWER = `${PERMESSAGE_DEFLATE}; server_no_context_takeover; client_no_context_takeover`

/** zlib's widest window; and the narrowest that it can keep to: of 8 bits it makes 9. */
const WINDOW_BITS_MAX = 15
const WINDOW_BITS_MIN = 9

/**
 * Takes up the first offer that can be: the client has put them in its order.
 *
 * @param header - of the request; undefined where there was none
 */
export function negotiateDeflate(header: string | undefined): DeflateNegotiation {
  if (header === undefined) return null
  const offers = parseExtensions(header)
  if (offers === null) return 'malformed'
  for (const offer of offers) {
    const agreement = offer.name === PERMESSAGE_DEFLATE ? accept(offer) : null
    if (agreement !== null) return agreement
  }
  return null
}

/** The largest message that may go compressed to a client; 0 where nothing was agreed. */
export function deflateBytesMaxOf(negotiation: DeflateNegotiation): number {
  return negotiation === null || negotiation === 'malformed' ? 0 : negotiation.messageBytesMax
}

/** Declines (null) what is unknown, given twice, or has a value that is not its own: RFC 7692, 7.1 and 5.1. */
function accept({ parameters }: ExtensionOffer): DeflateAgreement | null {
  const seen = new Set<string>()
  let serverBits: number | null = null
  for (const [name, value] of parameters) {
    if (seen.has(name)) return null
    seen.add(name)
    switch (name) {
      case 'server_no_context_takeover':
      case 'client_no_context_takeover':
        if (value !== null) return null
        break
      case 'client_max_window_bits':
        // What the client's window will be, or that it can be told one. We inflate with the widest, so it is told none.
        if (value !== null && windowBits(value) === null) return null
        break
      case 'server_max_window_bits':
        serverBits = windowBits(value)
        if (serverBits === null || serverBits < WINDOW_BITS_MIN) return null
        break
      default:
        return null
    }
  }
  if (serverBits === null) return { answer: ANSWER, messageBytesMax: Number.POSITIVE_INFINITY }
  return {
    answer: `${ANSWER}; server_max_window_bits=${serverBits}`,
    messageBytesMax: serverBits === WINDOW_BITS_MAX ? Number.POSITIVE_INFINITY : 2 ** serverBits,
  }
}

/** Decimal, without leading zeros, 8 to 15. */
function windowBits(value: string | null): number | null {
  return value !== null && /^(?:[89]|1[0-5])$/.test(value) ? Number(value) : null
}
