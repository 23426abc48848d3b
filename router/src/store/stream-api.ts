// The JetStream API as routers use it: one question, one answer, both in the server's own words. Decides nothing.
import { jsonBody, type NatsPort } from '@sluice/service/jetstream/port'

/** Codes of errors that mean something to us, the server's `err_code`. */
export const STREAM_ERRORS = { notFound: 10_059, nameExists: 10_058, overlap: 10_065, noMessage: 10_037 } as const

/** An answer, as far as it is looked at. */
export interface StreamAnswer {
  readonly error?: { readonly err_code?: number; readonly description?: string }
  readonly config?: Readonly<Record<string, unknown>>
  /** When the stream was made. */
  readonly created?: string
  readonly state?: { readonly last_seq: number; readonly last_ts: string }
  readonly message?: { readonly time: string }
  /** Who leads, and since when where an election has made it leader. */
  readonly cluster?: { readonly leader?: string; readonly leader_since?: string }
  /** Names, where names were asked for. */
  readonly streams?: readonly string[] | null
}

/** Creating a replicated stream waits for an election. */
const CHANGE_WAIT_MS = 10_000
/** A stream without a leader does not answer, and is asked again. */
const READ_WAIT_MS = 2000

/**
 * Creates or updates a stream, or asks of it.
 *
 * @param verb - with the name of the stream: `STREAM.INFO.SLUICE_EVENTS`
 * @throws where nobody answers in time
 */
export async function askStream(nats: NatsPort, verb: string, body: unknown): Promise<StreamAnswer> {
  const timeoutMs = /^STREAM\.(?:CREATE|UPDATE)\./.test(verb) ? CHANGE_WAIT_MS : READ_WAIT_MS
  const message = await nats.request(`$JS.API.${verb}`, jsonBody(body), { timeoutMs })
  return message.json<StreamAnswer>()
}
