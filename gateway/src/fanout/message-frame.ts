// Builds the frame of a message, once for all its recipients: the envelope as text, the payload's bytes copied in as they
// came. Nothing in it differs between recipients. Step 4 of the message path.
import type { ServerFrame } from '@sluice/proto'
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
  const { payload, binary, from, session, event } = message
  const frame: ServerFrame = {
    type: 'message',
    ...(about.kind === 'room' ? { room: about.name } : { user: about.name }),
    ...(from === null ? {} : { from }),
    ...(session === null ? {} : { session }),
    ...(event === null ? {} : { event }),
    ...(binary ? { bytes: payload } : { data: parse(payload) }),
  }
  return buildFrame(OPCODE.binary, msgpackCodec.encodeServer(frame))
}

function envelope(about: TopicName, { from, session, event }: Inbound): string {
  let text = `"${about.kind}":${JSON.stringify(about.name)}`
  if (from !== null) text += `,"from":${JSON.stringify(from)}`
  if (session !== null) text += `,"session":${JSON.stringify(session)}`
  if (event !== null) text += `,"event":"${event}"`
  return text
}

function parse(payload: Uint8Array): unknown {
  return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString())
}
