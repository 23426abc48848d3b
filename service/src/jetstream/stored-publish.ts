// Publishes into a history: answered when it is stored. What is not acknowledged is sent again under the same id, for as long as the
// stream knows that id: it is stored once however often it was sent. Any number are under way at once.
import { setTimeout as pause } from 'node:timers/promises'
import { HEADER_MESSAGE_ID } from '@sluice/proto'
import type { HeaderValues, Link } from '../nats/link.ts'

/** What became of a publish. */
export type StoredOutcome =
  | { readonly kind: 'stored'; readonly offset: number; readonly duplicate: boolean }
  /** NATS does not permit it. */
  | { readonly kind: 'denied' }
  /** The stream takes no message of this size. */
  | { readonly kind: 'too-large' }
  /** It may have been stored or not. */
  | { readonly kind: 'unknown'; readonly reason: string }

/** One publish. */
export interface StoredPublish {
  readonly subject: string
  readonly payload: Uint8Array
  readonly headers: readonly (readonly [string, string])[]
  /** By which the stream knows it again. */
  readonly messageId: string
}

/** See {@link createStoredPublish}. */
export interface StoredPublishOptions {
  readonly link: Pick<Link, 'connected' | 'request' | 'takeDenial'>
  readonly nowMs: () => number
  readonly onRetry: () => void
  /** How long it is tried, in milliseconds; default 10 s. */
  readonly giveUpMs?: number
}

/** An election of a stream's leader takes some seconds; far within the window of ids. */
const GIVE_UP_MS = 10_000
const ATTEMPT_MS = 2000
const RETRY_MS = 100
const RETRY_MS_MAX = 1000
/** The server's errors for a message that is too large, and for a stream that can't take one just now. */
const TOO_LARGE = 10_054

/** Makes publishing into histories. */
export function createStoredPublish({ link, nowMs, onRetry, giveUpMs = GIVE_UP_MS }: StoredPublishOptions) {
  async function attempt(publish: StoredPublish, headers: HeaderValues): Promise<StoredOutcome> {
    const message = await link.request(publish.subject, publish.payload, { timeoutMs: ATTEMPT_MS, headers })
    const answer = message.json<Acknowledgement>()
    if (answer.error === undefined && answer.seq !== undefined) {
      return { kind: 'stored', offset: answer.seq, duplicate: answer.duplicate === true }
    }
    if (answer.error?.err_code === TOO_LARGE) return { kind: 'too-large' }
    return { kind: 'unknown', reason: answer.error?.description ?? 'no acknowledgement' }
  }

  return async function publishStored(publish: StoredPublish): Promise<StoredOutcome> {
    const headers: HeaderValues = [...publish.headers, [HEADER_MESSAGE_ID, publish.messageId]]
    const givesUpAt = nowMs() + giveUpMs
    let reason = 'NATS is away'
    for (let tries = 0; link.connected || tries > 0; tries++) {
      if (tries > 0) {
        onRetry()
        await pause(Math.min(RETRY_MS * 2 ** (tries - 1), RETRY_MS_MAX))
      }
      if (link.connected) {
        try {
          const outcome = await attempt(publish, headers)
          // Our own earlier attempt is what it was a duplicate of.
          if (outcome.kind === 'stored') return tries > 0 ? { ...outcome, duplicate: false } : outcome
          if (outcome.kind !== 'unknown') return outcome
          reason = outcome.reason
        } catch (error) {
          if (link.takeDenial(publish.subject)) return { kind: 'denied' }
          reason = error instanceof Error ? error.message : String(error)
        }
      }
      if (nowMs() >= givesUpAt) break
    }
    return { kind: 'unknown', reason }
  }
}

interface Acknowledgement {
  readonly stream?: string
  readonly seq?: number
  readonly duplicate?: boolean
  readonly error?: { readonly err_code?: number; readonly description?: string }
}
