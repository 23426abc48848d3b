// What a request comes to: the fields of its `ok`, or an error of the table. Peers' mistakes are values here, never exceptions.
import type { ErrorCode, ServerFrameOf } from '@sluice/proto'
import type { StoredInbound } from '../backplane/inbound.ts'
import type { Reply } from './call-answer.ts'

/** The fields that an `ok` carries beside its type and id. */
export type OkFields = Omit<ServerFrameOf<'ok'>, 'type' | 'id'>

/** A refusal, as an `error` frame tells it. */
export interface Refusal {
  readonly ok: false
  readonly code: ErrorCode
  readonly message: string
  readonly retryAfterMs?: number
  /** What a service says of its error. */
  readonly details?: unknown
}

/** Success. */
export interface Success {
  readonly ok: true
  readonly fields: OkFields
  /** A page of a history, whose payloads go out as they came. */
  readonly messages?: readonly StoredInbound[]
  /** A service's reply to a call, which goes out as it came. */
  readonly reply?: Reply
}

/** The outcome of a request. */
export type Answer = Success | Refusal

/** How long a client should wait while NATS is away: its reconnects are tried about that often. */
const UNAVAILABLE_RETRY_MS = 2000

/** Success. */
export function ok(fields: OkFields = {}): Answer {
  return { ok: true, fields }
}

/** A refusal with a code of the table. */
export function refusal(code: ErrorCode, message: string): Refusal {
  return { ok: false, code, message }
}

/** NATS did not take it, or could not say so in time: it may or may not have happened. */
export function unavailable(message = 'NATS is away'): Refusal {
  return { ok: false, code: 'unavailable', message, retryAfterMs: UNAVAILABLE_RETRY_MS }
}
