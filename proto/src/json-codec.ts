// The encoding `sluice.v1.json`: one JSON object a text frame.
import { BODY_TYPES, parseClientFrame, refuse, withoutPayload } from './client-frames.ts'
import type { ClientFrameWithPayload, Codec } from './codec.ts'
import { isTooDeep } from './data-depth.ts'
import { jsonMemberSpan } from './json-member.ts'
import { DATA_DEPTH_MAX } from './limits.ts'
import { bytesPayload, decodeBase64, encodeBase64, jsonPayload, type Payload } from './payload.ts'
import { parseServerFrame } from './server-frames.ts'
import { SUBPROTOCOL_JSON } from './version.ts'

const encoder = new TextEncoder()
// A byte order mark is no JSON, and stays visible as such.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** See {@link Codec}. */
export const jsonCodec: Codec = {
  subprotocol: SUBPROTOCOL_JSON,
  binary: false,
  decodeClient(message) {
    const text = decodeText(message)
    const raw = text === null ? undefined : parseJson(text)
    if (text === null || raw === undefined) return refuse('malformed', 'a frame is one JSON object', undefined)
    const parsed = parseClientFrame(raw)
    if (!parsed.ok || !BODY_TYPES.has(parsed.frame.type)) return parsed
    if (!('data' in parsed.frame || 'bytes' in parsed.frame)) return withoutPayload(parsed.frame)
    const payload = payloadOf(message, text, parsed.frame)
    if (typeof payload === 'string') return refuse('malformed', payload, parsed.frame.id)
    const frame: ClientFrameWithPayload = { ...parsed.frame, payload }
    return { ok: true, frame }
  },
  decodeServer(message) {
    const text = decodeText(message)
    const frame = text === null ? null : parseServerFrame(parseJson(text))
    if (frame === null || !('bytes' in frame)) return frame
    const bytes = typeof frame.bytes === 'string' ? decodeBase64(frame.bytes) : null
    return bytes === null ? null : { ...frame, bytes }
  },
  encodeClient: (frame) => encoder.encode(printJson(frame)),
  encodeServer: (frame) => encoder.encode(printJson(frame)),
}

/** The payload of a frame, or what is wrong with it. */
function payloadOf(
  message: Uint8Array,
  text: string,
  frame: { readonly data?: unknown; readonly bytes?: unknown },
): Payload | string {
  if ('bytes' in frame) {
    if ('data' in frame) return 'data or bytes: exactly one of them is needed'
    const bytes = typeof frame.bytes === 'string' ? decodeBase64(frame.bytes) : null
    return bytes === null ? 'bytes: standard base64 with padding is needed' : bytesPayload(bytes)
  }
  const span = jsonMemberSpan(text, 'data')
  if (span === null) throw new Error('a member that JSON.parse found is not in the text')
  const data = text.slice(span.start, span.end)
  if (isTooDeep(data)) return `data: nested deeper than ${DATA_DEPTH_MAX}`
  // In ASCII, characters and bytes have the same places, so the bytes are there already.
  if (text.length === message.length) return { kind: 'json', bytes: message.subarray(span.start, span.end) }
  // A lone surrogate, legal as an escape in JSON, stays an escape in the text and so does no harm here.
  return jsonPayload(data)
}

/** Null where the bytes are no UTF-8. A WebSocket has refused those already, unless its checks were switched off. */
function decodeText(message: Uint8Array): string | null {
  try {
    return decoder.decode(message)
  } catch {
    return null
  }
}

/** Undefined where the text is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function printJson(frame: object): string {
  if (!('bytes' in frame && frame.bytes instanceof Uint8Array)) return JSON.stringify(frame)
  return JSON.stringify({ ...frame, bytes: encodeBase64(frame.bytes) })
}
