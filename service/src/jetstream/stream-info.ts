// The state of a stream as its leader tells it: the fence of every read, and the identity by which a stream that was made anew is
// told from the one before.
import { jsonBody, type NatsPort } from './port.ts'

/** What is needed of `STREAM.INFO`. */
export interface StreamState {
  /** The creation time, as text: a stream that was made anew has another. */
  readonly created: string
  /** The last sequence stored. Asked on a connection that has subscribed before, it proves that the leader knew of it by then. */
  readonly lastSequence: number
  /** The integer `sluice_config` of the metadata; 0 without. */
  readonly configVersion: number
}

/** How long a leader may take: an election lasts some seconds, and the question is asked again. */
const INFO_WAIT_MS = 5000

/**
 * @returns null if there is no such stream
 * @throws where nobody answers in time
 */
export async function streamState(nats: NatsPort, stream: string): Promise<StreamState | null> {
  const message = await nats.request(`$JS.API.STREAM.INFO.${stream}`, jsonBody({}), { timeoutMs: INFO_WAIT_MS })
  const answer = message.json<InfoAnswer>()
  if (answer.error !== undefined) {
    if (answer.error.err_code === STREAM_NOT_FOUND) return null
    throw new Error(`STREAM.INFO of ${stream}: ${answer.error.description ?? answer.error.code}`)
  }
  const version = Number(answer.config?.metadata?.sluice_config ?? 0)
  return {
    created: answer.created ?? '',
    lastSequence: answer.state?.last_seq ?? 0,
    configVersion: Number.isSafeInteger(version) ? version : 0,
  }
}

/** The server's `JSStreamNotFoundErr`. */
const STREAM_NOT_FOUND = 10_059

interface InfoAnswer {
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string }
  readonly created?: string
  readonly config?: { readonly metadata?: { readonly sluice_config?: string } }
  readonly state?: { readonly last_seq: number }
}
