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
  HEADER_KEY,
  HEADER_MESSAGE_ID,
  HEADER_RECEIPT,
  HEADER_REQUEST,
  HEADER_SESSION,
  HEADER_TRACE_PARENT,
  isTooDeep,
  KEY_CHARS_MAX,
  KEY_PATTERN,
  LIMITS,
  type Placed,
  RECEIPT_ID_PATTERN,
  type RoomName,
  STREAM_HEADERS,
  TRACE_PARENT_PATTERN,
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
  /** The key that its publisher gave it. */
  readonly key: string | null
  /** The trace that it belongs to; null for none, and for what is none. */
  readonly traceparent: string | null
  /** Where it stands in its history; null for an ephemeral message. */
  readonly place: Placed | null
  /** The id under which it was stored: publishers that keep it from themselves know theirs by it. Null where nobody asks. */
  readonly messageId: string | null
  /** Why the content of a stored message reaches nobody: it keeps its place alone. Null for a sound one. */
  readonly unfit: DropReason | null
  /** Asks to tell to how many connections it was delivered; absent on nearly all. */
  readonly receipt?: string
  /** What it is about where that is not its topic: a wildcard hears many rooms. */
  readonly under?: UnderWildcard
}

/** The room of a message that a wildcard hears. */
export interface UnderWildcard {
  /** Null for what is at no room's subject: it has a place among the others and is shown to nobody. */
  readonly room: RoomName | null
  /** Any on which messages of the room come. */
  readonly subject: string
  /** The offset of the room's message before it, or less; its `place` has that of the namespace's message before it. */
  readonly prev: number
}

/** A message of a history. */
export type StoredInbound = Inbound & { readonly place: Placed }

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
  if (headers === undefined) return { ...BARE, payload, binary }
  const event = headers.get(HEADER_EVENT) || null
  const from = name(headers.get(HEADER_FROM))
  const session = name(headers.get(HEADER_SESSION))
  const excludeSession = name(headers.get(HEADER_EXCLUDE_SESSION))
  const excludeUser = name(headers.get(HEADER_EXCLUDE_USER))
  if (from === undefined || session === undefined || excludeSession === undefined || excludeUser === undefined)
    return 'bad_header'
  if (event !== null && !EVENT_PATTERN.test(event)) return 'bad_header'
  const key = headers.get(HEADER_KEY) || null
  if (key !== null && (key.length > KEY_CHARS_MAX || !KEY_PATTERN.test(key))) return 'bad_header'
  const messageId = excludeSession === null ? null : headers.get(HEADER_MESSAGE_ID) || null
  const receipt = headers.get(HEADER_RECEIPT)
  return {
    payload,
    binary,
    from,
    session,
    event,
    excludeSession,
    excludeUser,
    key,
    traceparent: traceOf(headers),
    place: null,
    messageId,
    unfit: null,
    // What can't be one is no mistake of the message.
    ...(RECEIPT_ID_PATTERN.test(receipt) ? { receipt } : {}),
  }
}

const NO_PAYLOAD = new Uint8Array(0)
/** A message with nothing in it. */
export const BARE: Inbound = {
  payload: NO_PAYLOAD,
  binary: false,
  from: null,
  session: null,
  event: null,
  excludeSession: null,
  excludeUser: null,
  key: null,
  traceparent: null,
  place: null,
  messageId: null,
  unfit: null,
}

/**
 * Reads a message of a history. One whose content can't be delivered keeps its place in the chain, or everyone would miss it for ever.
 *
 * @param place - where it stands, from the stream's own headers
 */
export function readStored(message: Msg, place: Placed, payloadBytesMax: number): StoredInbound {
  const inbound = readInbound(message, payloadBytesMax)
  return typeof inbound === 'string' ? { ...BARE, place, unfit: inbound } : { ...inbound, place }
}

/**
 * The place of a copy that a stream has republished.
 *
 * @returns null for what no stream can have sent
 */
export function placeOfCopy(message: Msg): Placed | null {
  const headers = headersOf(message)
  if (!headers) return null
  const offset = Number(headers.last(STREAM_HEADERS.sequence) || Number.NaN)
  const prev = Number(headers.last(STREAM_HEADERS.lastSequence) || Number.NaN)
  const time = Date.parse(headers.last(STREAM_HEADERS.time))
  const sound = Number.isSafeInteger(offset) && Number.isSafeInteger(prev) && prev >= 0 && prev < offset
  return sound && Number.isFinite(time) ? { offset, prev, time } : null
}

/** The id of the request that a live message was published for; null without one, or for what can't be one. */
export function requestOf(message: Msg): string | null {
  const id = headersOf(message)?.get(HEADER_REQUEST) ?? ''
  return id === '' || id.length > REQUEST_CHARS_MAX ? null : id
}

/** Longer than what routers write, which is a digest. */
const REQUEST_CHARS_MAX = 64

/** A trace parent that is none is dropped, never its message. */
function traceOf(headers: MsgHdrs): string | null {
  const value = headers.get(HEADER_TRACE_PARENT)
  return value !== '' && TRACE_PARENT_PATTERN.test(value) ? value : null
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
