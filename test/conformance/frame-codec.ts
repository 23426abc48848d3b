// Both encodings of frames [P-4.1], written for the suite alone so that a mistake of another codec cannot hide behind itself: JSON as it
// is, MessagePack by the msgpackr package. Decodes what a server sends and judges nothing.
import { Packr, Unpackr } from 'msgpackr'

/** One of the two encodings. */
export type Encoding = 'json' | 'msgpack'

/** A frame, decoded. */
export interface Frame {
  readonly type: string
  readonly [field: string]: unknown
}

/** The subprotocol of an encoding. */
export const SUBPROTOCOLS: Readonly<Record<Encoding, string>> = {
  json: 'sluice.v1.json',
  msgpack: 'sluice.v1.msgpack',
}

// Maps with text keys and the shortest forms, as any library would send them.
const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true })
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' })

/** A frame as the WebSocket message of its encoding. */
export function encodeFrame(encoding: Encoding, frame: object): string | Buffer {
  return encoding === 'json' ? JSON.stringify(frame) : Buffer.from(packr.pack(frame))
}

/** The frame of a WebSocket message, or null if it is none. */
export function decodeFrame(encoding: Encoding, message: Buffer): Frame | null {
  try {
    const value: unknown = encoding === 'json' ? JSON.parse(message.toString()) : unpackr.unpack(message)
    return typeof value === 'object' && value !== null && typeof (value as Frame).type === 'string'
      ? (value as Frame)
      : null
  } catch {
    return null
  }
}

/** The field that carries bytes in an encoding [P-8.4]. */
export function bytesField(encoding: Encoding, bytes: Uint8Array): object {
  const buffer = Buffer.from(bytes)
  return encoding === 'json' ? { bytes: buffer.toString('base64') } : { data: buffer }
}

/** The bytes that a message carries, or null if it carries none. */
export function bytesOf(encoding: Encoding, frame: Frame): Buffer | null {
  if (encoding === 'json') return typeof frame.bytes === 'string' ? Buffer.from(frame.bytes, 'base64') : null
  return frame.data instanceof Uint8Array ? Buffer.from(frame.data) : null
}
