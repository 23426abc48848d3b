// WebSocket frames from server to client (RFC 6455, 5.2), built whole and once: unmasked, unfragmented, uncompressed. One
// such buffer is linked to every recipient and written to its socket as it is.

const FIN = 0x80

/** The opcodes that the gateway writes itself; the close frame is written by ws. */
export const OPCODE = { text: 0x1, binary: 0x2, ping: 0x9, pong: 0xa } as const

/** Bytes of the header before a payload of that length. */
export function frameHeaderBytes(payloadBytes: number): number {
  if (payloadBytes < 126) return 2
  return payloadBytes < 65_536 ? 4 : 10
}

/**
 * Writes a frame's header at the beginning of a buffer.
 *
 * @param frame - at least {@link frameHeaderBytes} long
 */
export function writeFrameHeader(frame: Buffer, opcode: number, payloadBytes: number): void {
  frame[0] = FIN | opcode
  if (payloadBytes < 126) {
    frame[1] = payloadBytes
  } else if (payloadBytes < 65_536) {
    frame[1] = 126
    frame.writeUInt16BE(payloadBytes, 2)
  } else {
    frame[1] = 127
    // The upper half: a payload never has 4 GiB.
    frame.writeUInt32BE(0, 2)
    frame.writeUInt32BE(payloadBytes, 6)
  }
}

/** A whole frame around a payload. */
export function buildFrame(opcode: number, payload: Uint8Array): Buffer {
  const header = frameHeaderBytes(payload.length)
  const frame = Buffer.allocUnsafe(header + payload.length)
  writeFrameHeader(frame, opcode, payload.length)
  frame.set(payload, header)
  return frame
}

/** The one ping frame that all connections share. It carries nothing: any answer proves that the peer lives. */
export const PING_FRAME = buildFrame(OPCODE.ping, Buffer.alloc(0))
