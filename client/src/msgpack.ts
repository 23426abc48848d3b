// The entry `@sluice/client/msgpack`: the encoding `sluice.v1.msgpack`, apart from the main entry so that those who speak JSON do
// not pay for it.
import { readMsgpackMap } from '@sluice/proto/msgpack-reader'
import { writeMsgpack } from '@sluice/proto/msgpack-writer'
import type { FrameCodec } from './frame-codec.ts'

/**
 * Frames as MessagePack: smaller for numbers, and bytes travel as they are.
 *
 * @example connect(url, { token, codec: msgpack() })
 */
export function msgpack(): FrameCodec {
  return {
    subprotocol: 'sluice.v1.msgpack',
    encode: writeMsgpack,
    decode(message) {
      const bytes = message instanceof ArrayBuffer ? new Uint8Array(message) : message
      return bytes instanceof Uint8Array ? readMsgpackMap(bytes)?.members : undefined
    },
  }
}
