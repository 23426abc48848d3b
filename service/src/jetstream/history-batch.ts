// One batched direct get of a history, checked: it is whole only with its end marker and an unbroken chain, as each message names
// the one before it in the batch. Silence and a total time end it, and its subscription always goes. Retries are the caller's.
import type { Msg, MsgHdrs } from '@nats-io/transport-node'
import { STREAM_HEADERS } from '@sluice/proto'
import type { DirectGet } from './direct-get.ts'
import { messageOfRead, type ReadMessage } from './history-message.ts'
import { jsonBody, type NatsPort } from './port.ts'

/** What a server answered, as far as that server knows: it may lag behind. */
export type Batch =
  | {
      readonly kind: 'end'
      /** In order; null stands for one whose headers can't be read, and with them its place. */
      readonly messages: (ReadMessage | null)[]
      /** Messages that match and follow. */
      readonly pending: number
      /** The last sequence of this batch. */
      readonly last: number
      /** Of a `multi_last`: the last sequence that the server had stored. NaN else. */
      readonly upTo: number
    }
  /** Nothing matches. */
  | { readonly kind: 'none' }
  /** Nothing whole was heard. */
  | { readonly kind: 'failed'; readonly why: 'away' | 'silence' | 'no-responders' | 'torn' | 'refused' }

/**
 * Messages of a batch follow each other at once. Any server of a cluster may be given a question, also one that has frozen and that
 * the others still take for alive: waiting long for it is no use, as the next one will most likely be given to another.
 */
const IDLE_MS = 1000
/** A batch is at most some messages and about 1 MiB. */
const TOTAL_MS = 5000

/** Reads one batch. */
export function readHistoryBatch(nats: NatsPort, stream: string, question: DirectGet): Promise<Batch> {
  return new Promise((resolve) => {
    const inbox = nats.inbox()
    const total = setTimeout(() => finish({ kind: 'failed', why: 'silence' }), TOTAL_MS)
    const idle = setTimeout(() => finish({ kind: 'failed', why: 'silence' }), IDLE_MS)
    const collect = createCollector()
    const subscription = nats.subscribe(inbox, (message) => {
      idle.refresh()
      const batch = collect(message)
      if (batch !== null) finish(batch)
    })
    function finish(batch: Batch): void {
      clearTimeout(total)
      clearTimeout(idle)
      subscription.unsubscribe()
      resolve(batch)
    }
    if (!nats.publish(`$JS.API.DIRECT.GET.${stream}`, jsonBody(question), undefined, inbox))
      finish({ kind: 'failed', why: 'away' })
  })
}

/** Takes what comes, in order, and gives the batch once it is decided. */
function createCollector(): (message: Msg) => Batch | null {
  const messages: (ReadMessage | null)[] = []
  /** The sequence of the message before; NaN after one that can't be read. */
  let last = 0

  function follows(headers: MsgHdrs): boolean {
    return Number.isNaN(last) || Number(headers.last(STREAM_HEADERS.lastSequence)) === last
  }

  return (message) => {
    const headers = headersOf(message)
    if (headers === null) {
      messages.push(null)
      last = Number.NaN
      return null
    }
    switch (headers?.code ?? 503) {
      case 0: {
        const read = headers && follows(headers) ? messageOfRead(message, headers) : null
        if (read === null) return { kind: 'failed', why: 'torn' }
        messages.push(read)
        last = read.offset
        return null
      }
      case 204:
        return headers && follows(headers) ? ended(headers, messages) : { kind: 'failed', why: 'torn' }
      case 404:
        return { kind: 'none' }
      case 503:
        return { kind: 'failed', why: 'no-responders' }
      default:
        return { kind: 'failed', why: 'refused' }
    }
  }
}

function ended(headers: MsgHdrs, messages: (ReadMessage | null)[]): Batch {
  const number = (name: string): number => Number(headers.last(name) || Number.NaN)
  const pending = number('Nats-Num-Pending')
  const last = number(STREAM_HEADERS.lastSequence)
  if (!Number.isSafeInteger(pending)) return { kind: 'failed', why: 'torn' }
  return { kind: 'end', messages, pending, last, upTo: number('Nats-UpTo-Sequence') }
}

/** Null where a publisher's headers can't be read; the server's own always can. */
function headersOf(message: Msg): MsgHdrs | undefined | null {
  try {
    return message.headers
  } catch {
    return null
  }
}
