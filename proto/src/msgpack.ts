// The encoding `sluice.v1.msgpack`: one MessagePack map a binary frame. An entry of its own, so that browsers that speak JSON
// do not pay for it. A client's `data` is one bin or JSON-compatible; everything else is refused, since others read it as JSON.
import { BODY_TYPES, parseClientFrame, refuse, withoutPayload } from './client-frames.ts'
import type { ClientFrameWithPayload, Codec } from './codec.ts'
import { DATA_DEPTH_MAX } from './limits.ts'
import { type Incompatibility, readMsgpackMap } from './msgpack-reader.ts'
import { writeMsgpack } from './msgpack-writer.ts'
import { bytesPayload, jsonPayload } from './payload.ts'
import { parseServerFrame } from './server-frames.ts'
import { SUBPROTOCOL_MSGPACK } from './version.ts'

/** See {@link Codec}. */
export const msgpackCodec: Codec = {
  subprotocol: SUBPROTOCOL_MSGPACK,
  binary: true,
  decodeClient(message) {
    const map = readMsgpackMap(message)
    if (map === null) return refuse('malformed', 'a frame is one MessagePack map with text keys', undefined)
    const parsed = parseClientFrame(map.members)
    if (!parsed.ok || !BODY_TYPES.has(parsed.frame.type)) return parsed
    const { frame } = parsed
    if ('bytes' in frame) return refuse('malformed', 'bytes: MessagePack carries bytes as bin in data', frame.id)
    if (!('data' in frame)) return withoutPayload(frame)
    const problem = map.incompatibilities.get('data')
    if (problem !== undefined) return refuse('malformed', `data: ${problems[problem]}`, frame.id)
    const { data } = frame
    const payload = data instanceof Uint8Array ? bytesPayload(data) : jsonPayload(JSON.stringify(data))
    const whole: ClientFrameWithPayload = { ...frame, payload }
    return { ok: true, frame: whole }
  },
  // What JSON could not say is let pass: a later gateway may send it in a field that this release ignores.
  decodeServer(message) {
    const map = readMsgpackMap(message)
    if (map === null) return null
    const { data, ...rest } = map.members
    return parseServerFrame(data instanceof Uint8Array ? { ...rest, bytes: data } : map.members)
  },
  encodeClient: pack,
  encodeServer: pack,
}

/** What a refusal says of each {@link Incompatibility}. */
const problems: { readonly [kind in Incompatibility]: string } = {
  bin: 'bytes inside of arrays and maps cannot be told in JSON',
  depth: `nested deeper than ${DATA_DEPTH_MAX}`,
  extension: 'extensions cannot be told in JSON',
  integer: 'integers beyond 2^53-1 cannot be told exactly',
  key: 'keys that are no text cannot be told in JSON',
  number: 'NaN and infinity cannot be told in JSON',
}

/** In a frame of this encoding bytes are bin in `data`. */
function pack(frame: object): Uint8Array {
  if (!('bytes' in frame && frame.bytes instanceof Uint8Array)) return writeMsgpack(frame)
  const { bytes, ...rest } = frame
  return writeMsgpack({ ...rest, data: bytes })
}
