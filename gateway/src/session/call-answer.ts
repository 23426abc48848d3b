// The `ok` of a `call`: the service's reply is spliced in as it came, as payloads are in the frames of messages.
import type { RequestId } from '@sluice/proto'
import { msgpackCodec } from '@sluice/proto/msgpack'
import type { Inbound } from '../backplane/inbound.ts'
import { buildFrame, OPCODE } from '../outbound/ws-frame.ts'

/** A reply: checked, and otherwise as it came from NATS. */
export type Reply = Pick<Inbound, 'payload' | 'binary'>

/** A whole WebSocket frame. */
export function buildCallOk(id: RequestId, { payload, binary }: Reply, msgpack: boolean): Buffer {
  if (msgpack) {
    const body = binary ? { bytes: payload } : { data: JSON.parse(Buffer.from(payload).toString()) }
    return buildFrame(OPCODE.binary, msgpackCodec.encodeServer({ type: 'ok', id, ...body }))
  }
  const head = `{"type":"ok","id":${JSON.stringify(id)},`
  if (binary)
    return buildFrame(OPCODE.text, Buffer.from(`${head}"bytes":"${Buffer.from(payload).toString('base64')}"}`))
  return buildFrame(OPCODE.text, Buffer.concat([Buffer.from(`${head}"data":`), payload, CLOSE]))
}

const CLOSE = Buffer.from('}')
