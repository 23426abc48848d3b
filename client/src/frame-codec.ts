// The encoding of frames: what an entry such as `@sluice/client/msgpack` provides, and JSON, which is built in. Knows no socket
// and no meaning of a frame.
import { encodeBase64, SUBPROTOCOL_JSON } from '@sluice/proto'

/** One encoding of frames. Pass `msgpack()` of `@sluice/client/msgpack` as the option `codec`; JSON is the default. */
export interface FrameCodec {
  /** The name under which it is offered to the gateway. */
  readonly subprotocol: string
  /** A frame whose `data` may be a Uint8Array. Throws for what cannot be encoded. */
  encode(frame: object): string | Uint8Array
  /** What a WebSocket message says, or undefined if it says nothing that can be read. */
  decode(message: unknown): unknown
}

/** The encoding `sluice.v1.json`: bytes travel as base64. */
export const jsonCodec: FrameCodec = {
  subprotocol: SUBPROTOCOL_JSON,
  encode(frame) {
    if (!('data' in frame && frame.data instanceof Uint8Array)) return JSON.stringify(frame)
    const { data, ...rest } = frame
    return JSON.stringify({ ...rest, bytes: encodeBase64(data) })
  },
  decode(message) {
    try {
      return typeof message === 'string' ? JSON.parse(message) : undefined
    } catch {
      // A frame that is no JSON is one that this client does not know: ignored.
      return undefined
    }
  },
}
