// What this gateway asks services: requests over one inbox, so that a question is forgotten the moment its connection is gone, and a
// service that is late is late for itself alone. Never says what an answer means. Step 3 of the message path.
import type { Msg } from '@nats-io/transport-node'
import { HEADER_SERVICE_ERROR, HEADER_SERVICE_ERROR_CODE, reasonOf } from '@sluice/proto'
import type { HeaderValues } from '@sluice/service/nats/link'
import type { Backplane } from './backplane.ts'
import { type DropReason, type Inbound, readInbound } from './inbound.ts'

/** A question. */
export interface Question {
  /** Whose it is: it is forgotten with its owner. */
  readonly owner: object
  readonly subject: string
  readonly payload: Uint8Array
  readonly headers: HeaderValues
  readonly waitMs: number
}

/** What came of a question. */
export type Asked =
  | { readonly kind: 'answered'; readonly message: Inbound }
  /** The service says that it has failed. */
  | { readonly kind: 'failed'; readonly message: string; readonly body: Uint8Array }
  /** What came back can't be delivered. */
  | { readonly kind: 'unfit'; readonly reason: DropReason }
  | { readonly kind: 'no-service' }
  | { readonly kind: 'timeout' }
  /** NATS takes nothing of this size. */
  | { readonly kind: 'too-large' }
  /** NATS does not permit the question. */
  | { readonly kind: 'denied' }
  /** NATS is away, or there are too many questions: it may have been heard or not. */
  | { readonly kind: 'unavailable' }
  /** Its owner is gone. */
  | { readonly kind: 'forgotten' }

/** See {@link createServiceAsks}. */
export interface ServiceAsksOptions {
  readonly backplane: Pick<Backplane, 'connected' | 'publish' | 'takeDenial' | 'confirm' | 'inbox' | 'subscribe'>
  /** A larger answer is unfit. */
  readonly payloadBytesMax: number
  /** Questions that may wait at once, of all connections together. */
  readonly pendingMax: number
}

/** The questions of one gateway. */
export interface ServiceAsks {
  /** Questions that wait. */
  readonly pending: number
  /** Asks; the payload is copied before it returns. Never rejects. */
  ask(question: Question): Promise<Asked>
  /** Forgets all questions of an owner. */
  forget(owner: object): void
}

interface Pending {
  readonly owner: object
  readonly settle: (asked: Asked) => void
  readonly timer: NodeJS.Timeout
}

/** Makes it; subscribes at the first question. */
export function createServiceAsks({ backplane, payloadBytesMax, pendingMax }: ServiceAsksOptions): ServiceAsks {
  const pending = new Map<string, Pending>()
  const owned = new Map<object, Set<string>>()
  let inbox: string | null = null
  let asked = 0

  function listen(): string {
    const prefix = `${backplane.inbox()}.`
    backplane.subscribe(`${prefix}*`, (message) => {
      settle(message.subject.slice(prefix.length), readAnswer(message, payloadBytesMax))
    })
    return prefix
  }

  /** The first answer counts; what comes later is nobody's. */
  function settle(id: string, answer: Asked): void {
    const waiting = pending.get(id)
    if (waiting === undefined) return
    pending.delete(id)
    clearTimeout(waiting.timer)
    const ids = owned.get(waiting.owner)
    ids?.delete(id)
    if (ids?.size === 0) owned.delete(waiting.owner)
    waiting.settle(answer)
  }

  function hold(id: string, { owner, waitMs }: Question): Promise<Asked> {
    const ids = owned.get(owner) ?? new Set()
    owned.set(owner, ids.add(id))
    return new Promise((resolve) => {
      const timer = setTimeout(settle, waitMs, id, { kind: 'timeout' })
      pending.set(id, { owner, settle: resolve, timer })
    })
  }

  /** NATS tells by a ping whether it has taken the question, and whether it may have been asked. */
  async function confirm(id: string, subject: string): Promise<void> {
    const taken = await backplane.confirm()
    if (!taken) settle(id, { kind: 'unavailable' })
    else if (pending.has(id) && backplane.takeDenial(subject)) settle(id, { kind: 'denied' })
  }

  return {
    get pending() {
      return pending.size
    },
    ask(question) {
      const { subject, payload, headers } = question
      if (!backplane.connected || pending.size >= pendingMax) return Promise.resolve({ kind: 'unavailable' })
      inbox ??= listen()
      asked++
      const id = `${asked}`
      if (!backplane.publish(subject, payload, headers, inbox + id))
        return Promise.resolve({ kind: backplane.connected ? 'too-large' : 'unavailable' })
      const answer = hold(id, question)
      void confirm(id, subject)
      return answer
    },
    forget(owner) {
      for (const id of [...(owned.get(owner) ?? [])]) settle(id, { kind: 'forgotten' })
    },
  }
}

/** The status that the server answers where nobody listens. */
const NO_RESPONDERS = 503

function readAnswer(message: Msg, payloadBytesMax: number): Asked {
  const headers = headersOf(message)
  if (headers === null) return { kind: 'unfit', reason: 'bad_header' }
  if (headers?.code === NO_RESPONDERS && message.data.length === 0) return { kind: 'no-service' }
  const number = headers?.get(HEADER_SERVICE_ERROR_CODE) ?? ''
  const text = headers?.get(HEADER_SERVICE_ERROR) ?? ''
  if ((number !== '' && number !== '0') || text !== '')
    return { kind: 'failed', message: reasonOf(text), body: message.data }
  const inbound = readInbound(message, payloadBytesMax)
  return typeof inbound === 'string' ? { kind: 'unfit', reason: inbound } : { kind: 'answered', message: inbound }
}

/** Null where there are headers that can't be read. */
function headersOf(message: Msg): Msg['headers'] | null {
  try {
    return message.headers
  } catch {
    return null
  }
}
