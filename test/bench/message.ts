// The message of the benchmark and the frame that a client gets of it: one layout for every server, so that all write the same
// bytes. It is spelt here once more, not taken from the gateway: a gateway that writes other bytes is to be noticed.

const TEXT_FRAME = 0x81

/**
 * A JSON message of exactly that many bytes.
 *
 * @param number - told in it, so that no two messages are alike
 */
export function messagePayload(bytes: number, number: number): Buffer {
  const frame = JSON.stringify({ n: number, text: '' })
  return Buffer.from(JSON.stringify({ n: number, text: 'x'.repeat(bytes - frame.length) }))
}

/** The text of the frame around a message to a room. */
export function messageText(room: string, payload: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from(`{"type":"message","room":${JSON.stringify(room)},"data":`),
    payload,
    Buffer.from('}'),
  ])
}

/** A WebSocket text frame of up to 64 KiB, unmasked, as a server sends it. */
export function textFrame(text: Uint8Array): Buffer {
  if (text.length < 126) return Buffer.concat([Buffer.from([TEXT_FRAME, text.length]), text])
  const header = Buffer.from([TEXT_FRAME, 126, 0, 0])
  header.writeUInt16BE(text.length, 2)
  return Buffer.concat([header, text])
}
