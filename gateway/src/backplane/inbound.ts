// Reads a message from NATS into what the fan-out delivers, or says why it is not delivered. Anyone with the right to publish
// may have sent it, so everything is checked, once, here. Step 4 of the message path begins with it.
import { isUtf8 } from 'node:buffer'
import type { Msg, MsgHdrs } from '@nats-io/transport-node'
import {
  CONTENT_TYPE_BYTES,
  CONTENT_TYPE_JSON,
  decodeToken,
  EVENT_PATTERN,
  HEADER_CONTENT_TYPE,
  HEADER_EVENT,
  HEADER_EXCLUDE_SESSION,
  HEADER_EXCLUDE_USER,
  HEADER_FROM,
  HEADER_SESSION,
  isTooDeep,
  LIMITS,
} from '@sluice/proto'

/** A message as the fan-out needs it: names decoded, payload checked and untouched. */
export interface Inbound {
  /** UTF-8 JSON, or anything if `binary`. */
  readonly payload: Uint8Array
  readonly binary: boolean
  readonly from: string | null
  readonly session: string | null
  readonly event: string | null
  readonly excludeSession: string | null
  readonly excludeUser: string | null
}

/** Why a message was not delivered: the label of a metric. */
export type DropReason = 'empty' | 'too_large' | 'content_type' | 'not_utf8' | 'not_json' | 'too_deep' | 'bad_header'

/** A message, or why there is none to deliver. */
export type InboundResult = Inbound | DropReason

/**
 * @param payloadBytesMax - larger payloads are refused
 */
export function readInbound(message: Msg, payloadBytesMax: number): InboundResult {
  const payload = message.data
  if (payload.length > payloadBytesMax) return 'too_large'
  const headers = headersOf(message)
  if (headers === null) return 'bad_header'
  const contentType = headers?.get(HEADER_CONTENT_TYPE) ?? ''
  const binary = contentType === CONTENT_TYPE_BYTES
  if (!binary) {
    if (contentType !== '' && contentType !== CONTENT_TYPE_JSON) return 'content_type'
    const problem = jsonProblem(payload)
    if (problem !== null) return problem
  }
  if (headers === undefined) {
    return { payload, binary, from: null, session: null, event: null, excludeSession: null, excludeUser: null }
  }
  const event = headers.get(HEADER_EVENT) || null
  const from = name(headers.get(HEADER_FROM))
  const session = name(headers.get(HEADER_SESSION))
  const excludeSession = name(headers.get(HEADER_EXCLUDE_SESSION))
  const excludeUser = name(headers.get(HEADER_EXCLUDE_USER))
  if (from === undefined || session === undefined || excludeSession === undefined || excludeUser === undefined)
    return 'bad_header'
  if (event !== null && !EVENT_PATTERN.test(event)) return 'bad_header'
  return { payload, binary, from, session, event, excludeSession, excludeUser }
}

/** Null where there are headers that can't be read: NATS passes on whatever a publisher wrote there. */
function headersOf(message: Msg): MsgHdrs | undefined | null {
  try {
    return message.headers
  } catch {
    return null
  }
}

/** One invalid byte would close every browser in the room with 1007, and what is no JSON would break its frame. */
function jsonProblem(payload: Uint8Array): DropReason | null {
  if (payload.length === 0) return 'empty'
  if (!isUtf8(payload)) return 'not_utf8'
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString()
  try {
    JSON.parse(text)
  } catch {
    return 'not_json'
  }
  return isTooDeep(text) ? 'too_deep' : null
}

/** A longer one stands for no name, and would outgrow the queue of every member that it is delivered to. */
const TOKEN_CHARS_MAX = 3 * LIMITS.nameBytesMax.max

/** A name in a header: null if the header is not there, undefined if it is no token. */
function name(value: string): string | null | undefined {
  if (value === '') return null
  return value.length > TOKEN_CHARS_MAX ? undefined : (decodeToken(value) ?? undefined)
}
