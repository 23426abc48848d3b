// What the JetStream parts need of a connection to NATS; the link fits. They speak the JetStream API by its subjects, as its
// answers carry what the library's own calls drop: end markers, fences, and who answered.
import type { Msg } from '@nats-io/transport-node'

/** Headers of one message, by name. */
export type HeaderValues = Iterable<readonly [name: string, value: string]>

/** A connection. */
export interface NatsPort {
  /** Whether NATS can be reached as far as we know. */
  readonly connected: boolean
  publish(subject: string, payload: Uint8Array, headers?: HeaderValues, reply?: string): boolean
  subscribe(subject: string, deliver: (message: Msg) => void): { unsubscribe(): void }
  /**
   * One answer to one question.
   *
   * @throws the library's error where nobody answers, in time or at all
   */
  request(
    subject: string,
    payload: Uint8Array,
    options: { readonly timeoutMs: number; readonly headers?: HeaderValues },
  ): Promise<Msg>
  /** A subject that only this connection hears. */
  inbox(): string
}

const encoder = new TextEncoder()

/** A JSON body. */
export function jsonBody(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value))
}
