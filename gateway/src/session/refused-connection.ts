// The close of a connection that no service allows: 4003 for a clear no, 1013 where there is no answer.
import { CLOSE_REASON_BYTES_MAX } from '@sluice/proto'
import type { Refusal } from './answer.ts'
import type { Connection } from './connection.ts'
import type { Wire } from './wire.ts'

/** Closes it, with what the service says for people. */
export function closeRefused(wire: Pick<Wire, 'close'>, connection: Connection, { code, message }: Refusal): void {
  if (code === 'forbidden') wire.close(connection, 4003, closeReason(message))
  else wire.close(connection, 1013, 'no service decides on sign-ins')
}

/** The beginning of a text that a close frame has room for, in whole characters. */
export function closeReason(text: string): string {
  const bytes = encoder.encode(text)
  if (bytes.length <= CLOSE_REASON_BYTES_MAX) return text
  let end = CLOSE_REASON_BYTES_MAX
  // A continuation byte belongs to the character before it.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return decoder.decode(bytes.subarray(0, end))
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
