// What the two encodings have in common. A codec turns frames into the bytes or text of a WebSocket message and back; it
// knows no socket and no meaning of a frame.
import type { ClientFrame, Parsed } from './client-frames.ts'
import type { Payload } from './payload.ts'
import type { ServerFrame } from './server-frames.ts'
import type { Subprotocol } from './version.ts'

/** A client frame whose body was taken apart: `payload` is set where the frame has `data` or `bytes`, exactly one of them. */
export type ClientFrameWithPayload = ClientFrame & { readonly payload?: Payload }

/** One encoding of frames. Nothing throws on what a peer sent. */
export interface Codec {
  readonly subprotocol: Subprotocol
  /** Whether its WebSocket messages are binary; the other kind closes the socket with 1003. */
  readonly binary: boolean
  /** A client's frame, with its payload ready for NATS. */
  decodeClient(message: Uint8Array): Parsed<ClientFrameWithPayload>
  /** A gateway's frame; null for what a client ignores. */
  decodeServer(message: Uint8Array): ServerFrame | null
  encodeClient(frame: ClientFrame): Uint8Array
  encodeServer(frame: ServerFrame): Uint8Array
}
