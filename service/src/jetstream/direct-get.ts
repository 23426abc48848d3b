// Batched direct gets, read to their end marker. The library's own drops the marker, waits with a total deadline and leaves
// subscriptions behind; here silence is what ends a read, and the subscription goes with it.
import type { Msg } from '@nats-io/transport-node'
import { jsonBody, type NatsPort } from './port.ts'

/** One stored message. */
export interface StoredMessage {
  readonly subject: string
  readonly sequence: number
  /** The last sequence of the same read before it, or of the subject on a live copy; 0 for none. */
  readonly lastSequence: number
  readonly time: string
  readonly operation: string
  readonly data: Uint8Array
}

/** How a read ended. */
export type ReadEnd =
  /** All of what was asked for, `pending` messages are still to be read from after the last one. */
  | { readonly kind: 'end'; readonly pending: number; readonly upTo: number }
  /** Nothing matches, as far as the server that answered knows. */
  | { readonly kind: 'none' }
  /** Too many subjects match (413). */
  | { readonly kind: 'too-many' }
  /** Nobody spoke for too long, or no stream is there. */
  | { readonly kind: 'broken' }

/** A question as the server takes it. */
export interface DirectGet {
  readonly batch: number
  readonly max_bytes: number
  readonly seq?: number
  readonly next_by_subj?: string
  readonly multi_last?: readonly string[]
  readonly up_to_seq?: number
}

/** A read of which nothing was heard for this long is over; messages of one batch follow each other at once. */
const IDLE_MS = 3000

/** Reads one batch; `deliver` is called for each message, in order. */
export function readBatch(
  nats: NatsPort,
  stream: string,
  question: DirectGet,
  deliver: (message: StoredMessage) => void,
): Promise<ReadEnd> {
  return new Promise((resolve) => {
    const inbox = nats.inbox()
    let timer = setTimeout(() => finish({ kind: 'broken' }), IDLE_MS)
    const subscription = nats.subscribe(inbox, (message) => {
      clearTimeout(timer)
      timer = setTimeout(() => finish({ kind: 'broken' }), IDLE_MS)
      const end = endOf(message)
      if (end === null) deliver(storedMessage(message))
      else finish(end)
    })
    function finish(end: ReadEnd): void {
      clearTimeout(timer)
      subscription.unsubscribe()
      resolve(end)
    }
    if (!nats.publish(`$JS.API.DIRECT.GET.${stream}`, jsonBody(question), undefined, inbox)) finish({ kind: 'broken' })
  })
}

/** Takes a message apart that a read has brought, or a republished copy. `last()`: headers of a publisher pass in front of the real ones. */
export function storedMessage(message: Msg): StoredMessage {
  const last = (name: string): string => message.headers?.last(name) ?? ''
  return {
    subject: last('Nats-Subject'),
    sequence: Number(last('Nats-Sequence')),
    lastSequence: Number(last('Nats-Last-Sequence')),
    time: last('Nats-Time-Stamp'),
    operation: last('KV-Operation') || last('Nats-Marker-Reason'),
    data: message.data,
  }
}

function endOf(message: Msg): ReadEnd | null {
  switch (message.headers?.code ?? 0) {
    case 0:
      return null
    case 204:
      return {
        kind: 'end',
        pending: Number(message.headers?.last('Nats-Num-Pending')),
        upTo: Number(message.headers?.last('Nats-UpTo-Sequence')),
      }
    case 404:
      return { kind: 'none' }
    case 413:
      return { kind: 'too-many' }
    default:
      return { kind: 'broken' }
  }
}
