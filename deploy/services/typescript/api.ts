// Requests to routers: JSON in, JSON out, errors as the NATS services protocol has them.
import { headers, type NatsConnection } from '@nats-io/transport-node'

/** What a router answers where it can't: `code` is one of the protocol's, such as bad_request or unavailable. */
export class ApiError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Asks, and throws an ApiError with the code of the answer, or what the client throws where nobody answers.
 *
 * @param id - of what changes something: asked again with the same id, it is done once and answered alike
 */
export async function ask<answer>(nats: NatsConnection, verb: string, question: object = {}, id = ''): Promise<answer> {
  const sent = headers()
  if (id !== '') sent.set('Nats-Msg-Id', id)
  const message = await nats.request(`sluice.api.${verb}`, JSON.stringify(question), { timeout: 5000, headers: sent })
  const body = message.json<answer & { code: string; message: string }>()
  if (message.headers?.has('Nats-Service-Error-Code')) throw new ApiError(body.code, body.message)
  return body
}
