// The headers of one stored message, from the stream's leader: for a publisher that asks whose message its own was a duplicate of.
import { jsonBody, type NatsPort } from './port.ts'

const WAIT_MS = 2000

/** Whether the message at a sequence has a header with that value; false where it can't be read. */
export async function hasStoredHeader(
  nats: Pick<NatsPort, 'request'>,
  stream: string,
  sequence: number,
  [name, value]: readonly [string, string],
): Promise<boolean> {
  try {
    const question = jsonBody({ seq: sequence })
    const message = await nats.request(`$JS.API.STREAM.MSG.GET.${stream}`, question, { timeoutMs: WAIT_MS })
    const { hdrs = '' } = message.json<{ readonly message?: { readonly hdrs?: string } }>().message ?? {}
    return Buffer.from(hdrs, 'base64').includes(`\r\n${name}: ${value}\r\n`)
  } catch {
    // Nobody has answered: the caller goes on as if it were another's.
    return false
  }
}
