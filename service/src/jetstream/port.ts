// What the JetStream parts need of a connection to NATS; the link fits. They speak the JetStream API by its subjects, as its
// answers carry what the library's own calls drop: end markers, fences, and who answered.
import type { Link } from '../nats/link.ts'

/** A connection. */
export type NatsPort = Pick<Link, 'connected' | 'publish' | 'subscribe' | 'request' | 'inbox'>

const encoder = new TextEncoder()

/** A JSON body. */
export function jsonBody(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value))
}
