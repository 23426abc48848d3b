// Builds the frame of a message, once for all its recipients: the envelope as text, the payload's bytes copied in as they
// came. Nothing in it differs between recipients. Step 4 of the message path.
import { jsonCodec, type Placed, type ServerFrame, type ServerFrameOf } from '@sluice/proto'
import { msgpackCodec } from '@sluice/proto/msgpack'
import type { Inbound } from '../backplane/inbound.ts'
import { buildFrame, frameHeaderBytes, OPCODE, writeFrameHeader } from '../outbound/ws-frame.ts'
import type { TopicName } from './topic.ts'

const CLOSE_BRACE = 0x7d
const QUOTE = 0x22

/** A whole WebSocket text frame for members that speak JSON. */
export function buildJsonMessage(about: TopicName, message: Inbound): Buffer {
  const { payload, binary } = message
  const head = `{"type":"message",${envelope(about, message)}${binary ? ',"bytes":"' : ',"data":'}`
  const headBytes = Buffer.byteLength(head)
  const body = binary ? Buffer.from(payload).toString('base64') : payload
  const bytes = headBytes + body.length + (binary ? 2 : 1)
  const header = frameHeaderBytes(bytes)
  const frame = Buffer.allocUnsafe(header + bytes)
  writeFrameHeader(frame, OPCODE.text, bytes)
  let at = header + frame.write(head, header)
  if (typeof body === 'string') {
    at += frame.write(body, at, 'latin1')
    frame[at++] = QUOTE
  } else {
    frame.set(body, at)
    at += body.length
  }
  frame[at] = CLOSE_BRACE
  return frame
}

/**
 * A whole WebSocket binary frame for members that speak msgpack.
 *
 * @throws RangeError for JSON that is nested deeper than the encoder's stack
 */
export function buildMsgpackMessage(about: TopicName, message: Inbound): Buffer {
  return buildFrame(
    OPCODE.binary,
    msgpackCodec.encodeServer({ type: 'message', ...nameOf(about), ...fieldsOf(message) }),
  )
}

/**
 * The fields of a message beside whom it is about, for those who speak msgpack.
 *
 * @throws RangeError for JSON that is nested deeper than the parser's stack
 */
export function fieldsOf(message: Inbound): MessageFields {
  const { payload, binary, from, session, event, key, traceparent, place, under } = message
  return {
    ...(from === null ? {} : { from }),
    ...(session === null ? {} : { session }),
    ...(event === null ? {} : { event }),
    ...(key === null ? {} : { key }),
    ...(traceparent === null ? {} : { traceparent }),
    ...(place === null ? {} : { offset: place.offset, prev: under?.prev ?? place.prev, time: place.time }),
    ...(binary ? { bytes: payload } : { data: parse(payload) }),
  }
}

/** The fields of a message beside whom it is about. */
export type MessageFields = Omit<ServerFrameOf<'message'>, 'type' | 'room' | 'user'>

/** A frame with the place of a message alone: its content is not for whoever gets it. */
export function buildWithheld(
  about: TopicName,
  { offset, prev }: Pick<Placed, 'offset' | 'prev'>,
  binary: boolean,
): Buffer {
  const frame: ServerFrame = { type: 'message', ...nameOf(about), offset, prev, withheld: true }
  return binary
    ? buildFrame(OPCODE.binary, msgpackCodec.encodeServer(frame))
    : buildFrame(OPCODE.text, jsonCodec.encodeServer(frame))
}

/** How a frame names what it is about. */
export function nameOf(about: TopicName): { readonly room: string } | { readonly user: string } {
  return about.kind === 'room' ? { room: about.name } : { user: about.name }
}

function envelope(about: TopicName, message: Inbound): string {
  return `"${about.kind}":${JSON.stringify(about.name)}${envelopeOf(message)}`
}

/** The fields of a message beside whom it is about and its payload, as JSON members with a comma before each. */
export function envelopeOf({ from, session, event, key, traceparent, place, under }: Inbound): string {
  let text = ''
  if (from !== null) text += `,"from":${JSON.stringify(from)}`
  if (session !== null) text += `,"session":${JSON.stringify(session)}`
  if (event !== null) text += `,"event":"${event}"`
  if (key !== null) text += `,"key":${JSON.stringify(key)}`
  if (traceparent !== null) text += `,"traceparent":"${traceparent}"`
  if (place !== null) text += `,"offset":${place.offset},"prev":${under?.prev ?? place.prev},"time":${place.time}`
  return text
}

function parse(payload: Uint8Array): unknown {
  return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString())
}
