// One stored message as readers of a history get it, from a direct get or from the leader's JSON. Knows the forms of both; reads
// nothing of its own and judges no content.
import { headers as createHeaders, type Msg, type MsgHdrs } from '@nats-io/transport-node'
import { STREAM_HEADERS } from '@sluice/proto'

/** A message of a history. */
export interface HistoryMessage {
  /** The sequence of the stream. */
  readonly offset: number
  /**
   * The offset of the subject's message before it in this read. Of the first one a bound that no older message is above: a reader
   * that holds less may have missed something, one that holds as much or more has not.
   */
  readonly prev: number
  /** When it was stored: Unix time in milliseconds, cut from the stream's nanoseconds as on republished copies. */
  readonly time: number
  /** As the stream stores it. */
  readonly subject: string
  /**
   * The payload and the publisher's headers. Its own `subject` is that of the read and means nothing, and reading its `headers`
   * throws where the publisher's can't be read.
   */
  readonly message: Msg
}

/** Messages in ascending order. */
export interface HistoryPage {
  /** Shared by all who asked the same. */
  readonly messages: readonly HistoryMessage[]
  /** Whether the bounds ended it and further ones are kept in the direction of the read. */
  readonly more: boolean
}

/** A message before it is known what lies before it. */
export type ReadMessage = Omit<HistoryMessage, 'prev'>

/** What the leader's answer holds of a message; the server leaves out what is empty. */
export interface LeaderMessage {
  readonly subject: string
  readonly seq: number
  readonly time: string
  /** Base64. */
  readonly data?: string
  readonly hdrs?: string
}

/**
 * A message of a direct get. Only the last value of each header counts: a publisher's own ones stand in front.
 *
 * @returns null for what has no sound place
 */
export function messageOfRead(message: Msg, headers: MsgHdrs): ReadMessage | null {
  const offset = Number(headers.last(STREAM_HEADERS.sequence) || Number.NaN)
  const time = Date.parse(headers.last(STREAM_HEADERS.time))
  const subject = headers.last(STREAM_HEADERS.subject)
  const sound = Number.isSafeInteger(offset) && Number.isFinite(time) && subject !== ''
  return sound ? { offset, time, subject, message } : null
}

/** A message as the leader tells it. */
export function messageOfLeader({ subject, seq, time, data = '', hdrs = '' }: LeaderMessage): ReadMessage {
  const payload = Buffer.from(data, 'base64')
  const block = Buffer.from(hdrs, 'base64').toString()
  const text = (): string => payload.toString()
  const message: Msg = {
    subject,
    sid: 0,
    data: payload,
    // Parsed when asked, like the client's own: what can't be read throws there and nowhere else.
    get headers() {
      return hdrs === '' ? (undefined as never) : parseHeaders(block)
    },
    respond: () => false,
    json: (reviver) => JSON.parse(text(), reviver),
    string: text,
  }
  return { offset: seq, time: Date.parse(time), subject, message }
}

/** Gives each message the one before it of its subject; `bound` is for the first ones. */
export function chain(messages: readonly ReadMessage[], bound: number): HistoryMessage[] {
  const last = new Map<string, number>()
  return messages.map((message) => {
    const prev = last.get(message.subject) ?? bound
    last.set(message.subject, message.offset)
    return { ...message, prev }
  })
}

/** What a message takes of a page, headers left out: the server counts those as well, so its pages end a little sooner. */
export function bytesOf({ message, subject }: ReadMessage): number {
  return subject.length + message.data.length
}

function parseHeaders(block: string): MsgHdrs {
  const headers = createHeaders()
  for (const line of block.split('\r\n').slice(1)) {
    const colon = line.indexOf(':')
    if (colon >= 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return headers
}
