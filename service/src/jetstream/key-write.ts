// Writes of a bucket's keys, acknowledged, on subjects rather than through a store object: a gateway writes thousands of keys
// and needs their revisions, pipelined.
import type { HeaderValues } from '../nats/link.ts'
import { jsonBody, type NatsPort } from './port.ts'

/** The server's answer to a write. */
export type WriteResult =
  | { readonly kind: 'stored'; readonly revision: number }
  /** The expected revision was another: somebody wrote in between. */
  | { readonly kind: 'conflict' }
  /** Nobody answered, or there is no such bucket; it may or may not be stored. */
  | { readonly kind: 'unknown'; readonly reason: string }

/** See {@link writeKey}. */
export interface KeyWrite {
  /** The key's subject, as the bucket's stream stores it. */
  readonly subject: string
  /** Null deletes the key; the marker itself goes after a while. */
  readonly value: Uint8Array | null
  /** The revision that the key must have; 0 for none. Left out: whatever it has. */
  readonly expected?: number
}

const WRITE_WAIT_MS = 5000
/** How long a deletion stays visible to those who follow late: longer than the pause between two checks of a follower. */
const MARKER_TTL = '60s'
/** The server's `JSStreamWrongLastSequenceErr`. */
const WRONG_LAST_SEQUENCE = 10_071

/** Writes one key. Nothing throws but what is our own mistake. */
export async function writeKey(nats: NatsPort, { subject, value, expected }: KeyWrite): Promise<WriteResult> {
  const headers: [string, string][] = []
  if (expected !== undefined) headers.push(['Nats-Expected-Last-Subject-Sequence', `${expected}`])
  if (value === null) headers.push(['KV-Operation', 'PURGE'], ['Nats-Rollup', 'sub'], ['Nats-TTL', MARKER_TTL])
  const answer = await ask(nats, subject, value ?? EMPTY, headers)
  if (typeof answer === 'string') return { kind: 'unknown', reason: answer }
  if (answer.error?.err_code === WRONG_LAST_SEQUENCE) return { kind: 'conflict' }
  if (answer.error !== undefined) return { kind: 'unknown', reason: answer.error.description ?? `${answer.error.code}` }
  return { kind: 'stored', revision: answer.seq ?? 0 }
}

/** What the leader holds of a key; null if nothing. Throws where nobody answers. */
export async function readKeyAtLeader(
  nats: NatsPort,
  stream: string,
  subject: string,
): Promise<{ readonly value: Uint8Array; readonly revision: number; readonly deleted: boolean } | null> {
  const question = jsonBody({ last_by_subj: subject })
  const message = await nats.request(`$JS.API.STREAM.MSG.GET.${stream}`, question, { timeoutMs: WRITE_WAIT_MS })
  const answer = message.json<StoredAnswer>()
  if (answer.error?.err_code === NO_MESSAGE_FOUND) return null
  if (answer.message === undefined) throw new Error(answer.error?.description ?? 'no message and no error')
  const { data = '', seq, hdrs = '' } = answer.message
  return {
    value: Buffer.from(data, 'base64'),
    revision: seq,
    deleted: Buffer.from(hdrs, 'base64').includes('KV-Operation'),
  }
}

/** The server's `JSNoMessageFoundErr`. */
const NO_MESSAGE_FOUND = 10_037
const EMPTY = new Uint8Array()

async function ask(
  nats: NatsPort,
  subject: string,
  payload: Uint8Array,
  headers: HeaderValues,
): Promise<PublishAnswer | string> {
  try {
    const message = await nats.request(subject, payload, { timeoutMs: WRITE_WAIT_MS, headers })
    return message.json<PublishAnswer>()
  } catch (error) {
    // No responders, a time-out, a break: all the same to the writer, who asks the leader or tries again.
    return error instanceof Error ? error.message : String(error)
  }
}

interface ServerError {
  readonly code: number
  readonly err_code?: number
  readonly description?: string
}

interface PublishAnswer {
  readonly error?: ServerError
  readonly seq?: number
}

interface StoredAnswer {
  readonly error?: ServerError
  readonly message?: { readonly data?: string; readonly hdrs?: string; readonly seq: number }
}
