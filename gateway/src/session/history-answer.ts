// The `ok` of the request `history`: its messages' payloads are spliced in as they came, as in the frames of messages.
import type { RequestId } from '@sluice/proto'
import { msgpackCodec } from '@sluice/proto/msgpack'
import type { StoredInbound } from '../backplane/inbound.ts'
import { envelopeOf, fieldsOf } from '../fanout/message-frame.ts'
import { buildFrame, OPCODE } from '../outbound/ws-frame.ts'
import type { OkFields } from './answer.ts'

/** A whole WebSocket frame. */
export function buildHistoryOk(
  id: RequestId,
  fields: OkFields,
  messages: readonly StoredInbound[],
  binary: boolean,
): Buffer {
  if (!binary) return buildFrame(OPCODE.text, jsonOk(id, fields, messages))
  const entries = messages.map((message) => {
    if (message.unfit !== null) return withheld(message)
    const { bytes, ...rest } = fieldsOf(message)
    return bytes === undefined ? rest : { ...rest, data: bytes }
  })
  return buildFrame(OPCODE.binary, msgpackCodec.encodeServer({ type: 'ok', id, ...fields, messages: entries }))
}

function jsonOk(id: RequestId, fields: OkFields, messages: readonly StoredInbound[]): Buffer {
  const head = JSON.stringify({ type: 'ok', id, ...fields })
  const parts: Uint8Array[] = [Buffer.from(`${head.slice(0, -1)},"messages":[`)]
  messages.forEach((message, at) => {
    if (at > 0) parts.push(COMMA)
    parts.push(...jsonEntry(message))
  })
  parts.push(END)
  return Buffer.concat(parts)
}

const COMMA = Buffer.from(',')
const END = Buffer.from(']}')

function jsonEntry(message: StoredInbound): Uint8Array[] {
  if (message.unfit !== null) return [Buffer.from(JSON.stringify(withheld(message)))]
  // The envelope of a stored message has its place, so it begins with a comma.
  const head = `{${envelopeOf(message).slice(1)}`
  if (message.binary) return [Buffer.from(`${head},"bytes":"${Buffer.from(message.payload).toString('base64')}"}`)]
  return [Buffer.from(`${head},"data":`), message.payload, CLOSE]
}

const CLOSE = Buffer.from('}')

function withheld({ place: { offset, prev } }: StoredInbound) {
  return { offset, prev, withheld: true }
}
